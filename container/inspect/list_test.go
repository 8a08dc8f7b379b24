package inspect

import (
	"testing"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// TestStateWords: docker's words, and the reason that docker keeps to itself.
func TestStateWords(t *testing.T) {
	now := time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)
	ended := func(e container.ExitStatus) *container.ExitStatus {
		e.Finished = now.Add(-5 * time.Second)
		return &e
	}
	started := now.Add(-3 * time.Minute)
	limit := &cgroup.OOM{Kills: 1, Limit: 64 << 20, Peak: 64 << 20}
	const called = `execve("/bin/x", ["x", "y"], ["PATH=/bin"]): no such file or directory (step 3 of 3, made by the trampoline: become the program)`
	for _, test := range []struct {
		state       container.State
		words, why  string
		whyAtLength string // if it is another
	}{
		{container.State{Status: container.Created}, "Created", "", ""},
		{container.State{Status: container.Running, Started: started}, "Up 3 minutes", "", ""},
		{container.State{Status: container.Running, Started: started, Health: &container.Health{Status: "starting"}}, "Up 3 minutes (health: starting)", "", ""},
		{container.State{Status: container.Running, Started: started, Health: &container.Health{Status: "unhealthy"}}, "Up 3 minutes (unhealthy)", "", ""},
		{container.State{Status: container.Running, Started: started, ExitStatus: ended(container.ExitStatus{Signal: unix.SIGSEGV})}, "Up 3 minutes", "", ""},
		{container.State{Status: container.Paused, Started: started, Health: &container.Health{Status: "healthy"}}, "Up 3 minutes (Paused)", "", ""},
		{container.State{Status: container.Restarting, ExitStatus: ended(container.ExitStatus{ExitCode: 1})}, "Restarting (1) 5 seconds ago", "", ""},
		{container.State{Status: container.Exited, ExitStatus: ended(container.ExitStatus{})}, "Exited (0) 5 seconds ago", "", ""},
		{container.State{Status: container.Exited, ExitStatus: ended(container.ExitStatus{ExitCode: 143, Signal: unix.SIGTERM, StoppedBy: unix.SIGTERM})}, "Exited (143) 5 seconds ago", "stopped with SIGTERM", ""},
		{container.State{Status: container.Exited, ExitStatus: ended(container.ExitStatus{ExitCode: 139, Signal: unix.SIGSEGV, StoppedBy: unix.SIGTERM})}, "Exited (139) 5 seconds ago", "killed by SIGSEGV", ""},
		{container.State{Status: container.Exited, ExitStatus: ended(container.ExitStatus{ExitCode: 139, Signal: unix.SIGSEGV})}, "Exited (139) 5 seconds ago", "killed by SIGSEGV", ""},
		{container.State{Status: container.Exited, ExitStatus: ended(container.ExitStatus{ExitCode: 137, Signal: unix.SIGKILL, OOM: limit})}, "Exited (137) 5 seconds ago", "out of memory at the limit of 64MiB", ""},
		{container.State{Status: container.Exited, ExitStatus: ended(container.ExitStatus{ExitCode: 137, Signal: unix.SIGKILL, OOM: &cgroup.OOM{Kills: 1}})}, "Exited (137) 5 seconds ago", "out of memory", ""},
		{container.State{Status: container.Exited, ExitStatus: ended(container.ExitStatus{ExitCode: 1, OOM: limit})}, "Exited (1) 5 seconds ago", "processes of it were killed, out of memory at the limit of 64MiB", ""},
		{container.State{Status: container.Exited, ExitStatus: ended(container.ExitStatus{ExitCode: 255, Error: "exit status unknown: the machine went down"})}, "Exited (255) 5 seconds ago", "exit status unknown: the machine went down", ""},
		{container.State{Status: container.Exited, ExitStatus: ended(container.ExitStatus{ExitCode: 127, Error: called})}, "Exited (127) 5 seconds ago", `execve("/bin/x"): no such file or directory`, called},
	} {
		if words, why := StatusText(&test.state, now), Reason(&test.state, true); words != test.words || why != test.why {
			t.Errorf("%+v: %q, %q; want %q, %q", test.state, words, why, test.words, test.why)
		}
		if test.whyAtLength == "" {
			test.whyAtLength = test.why
		}
		if why := Reason(&test.state, false); why != test.whyAtLength {
			t.Errorf("%+v: %q; want %q", test.state, why, test.whyAtLength)
		}
	}
}
