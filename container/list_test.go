package container

import (
	"testing"
	"time"

	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// TestStateWords: docker's words, and the reason that docker keeps to itself.
func TestStateWords(t *testing.T) {
	now := time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)
	ended := func(e End) *End {
		e.Finished = now.Add(-5 * time.Second)
		return &e
	}
	started := now.Add(-3 * time.Minute)
	limit := &cgroup.OOM{Kills: 1, Limit: 64 << 20, Peak: 64 << 20}
	const called = `execve("/bin/x", ["x", "y"], ["PATH=/bin"]): no such file or directory (step 3 of 3, made by the trampoline: become the program)`
	for _, test := range []struct {
		state       State
		words, why  string
		whyAtLength string // if it is another
	}{
		{State{Status: Created}, "Created", "", ""},
		{State{Status: Running, Started: started}, "Up 3 minutes", "", ""},
		{State{Status: Running, Started: started, Health: &Health{Status: "starting"}}, "Up 3 minutes (health: starting)", "", ""},
		{State{Status: Running, Started: started, Health: &Health{Status: "unhealthy"}}, "Up 3 minutes (unhealthy)", "", ""},
		{State{Status: Running, Started: started, End: ended(End{Signal: unix.SIGSEGV})}, "Up 3 minutes", "", ""},
		{State{Status: Paused, Started: started, Health: &Health{Status: "healthy"}}, "Up 3 minutes (Paused)", "", ""},
		{State{Status: Restarting, End: ended(End{ExitCode: 1})}, "Restarting (1) 5 seconds ago", "", ""},
		{State{Status: Exited, End: ended(End{})}, "Exited (0) 5 seconds ago", "", ""},
		{State{Status: Exited, End: ended(End{ExitCode: 143, Signal: unix.SIGTERM, Asked: unix.SIGTERM})}, "Exited (143) 5 seconds ago", "stopped with SIGTERM", ""},
		{State{Status: Exited, End: ended(End{ExitCode: 139, Signal: unix.SIGSEGV, Asked: unix.SIGTERM})}, "Exited (139) 5 seconds ago", "killed by SIGSEGV", ""},
		{State{Status: Exited, End: ended(End{ExitCode: 139, Signal: unix.SIGSEGV})}, "Exited (139) 5 seconds ago", "killed by SIGSEGV", ""},
		{State{Status: Exited, End: ended(End{ExitCode: 137, Signal: unix.SIGKILL, OOM: limit})}, "Exited (137) 5 seconds ago", "out of memory at the limit of 64MiB", ""},
		{State{Status: Exited, End: ended(End{ExitCode: 137, Signal: unix.SIGKILL, OOM: &cgroup.OOM{Kills: 1}})}, "Exited (137) 5 seconds ago", "out of memory", ""},
		{State{Status: Exited, End: ended(End{ExitCode: 1, OOM: limit})}, "Exited (1) 5 seconds ago", "processes of it were killed, out of memory at the limit of 64MiB", ""},
		{State{Status: Exited, End: ended(End{ExitCode: 255, Error: "lost: the machine went down"})}, "Exited (255) 5 seconds ago", "lost: the machine went down", ""},
		{State{Status: Exited, End: ended(End{ExitCode: 127, Error: called})}, "Exited (127) 5 seconds ago", `execve("/bin/x"): no such file or directory`, called},
	} {
		if words, why := test.state.Words(now), test.state.Cause(true); words != test.words || why != test.why {
			t.Errorf("%+v: %q, %q; want %q, %q", test.state, words, why, test.words, test.why)
		}
		if test.whyAtLength == "" {
			test.whyAtLength = test.why
		}
		if why := test.state.Cause(false); why != test.whyAtLength {
			t.Errorf("%+v: %q; want %q", test.state, why, test.whyAtLength)
		}
	}
}
