package inspect

import (
	"fmt"
	"testing"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// TestStatusText: the status is in docker's words.
func TestStatusText(t *testing.T) {
	now := time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)
	exit := &container.ExitStatus{ExitCode: 137, Finished: now.Add(-5 * time.Second)}
	for _, test := range []struct {
		status container.Status
		health string
		exit   *container.ExitStatus
		want   string
	}{
		{container.Created, "", nil, "Created"},
		{container.Running, "", nil, "Up 3 minutes"},
		{container.Running, "", exit, "Up 3 minutes"},
		{container.Running, "starting", nil, "Up 3 minutes (health: starting)"},
		{container.Running, "unhealthy", nil, "Up 3 minutes (unhealthy)"},
		{container.Paused, "healthy", nil, "Up 3 minutes (Paused)"},
		{container.Restarting, "", exit, "Restarting (137) 5 seconds ago"},
		{container.Exited, "", exit, "Exited (137) 5 seconds ago"},
	} {
		s := container.State{Status: test.status, Started: now.Add(-3 * time.Minute), ExitStatus: test.exit}
		if test.health != "" {
			s.Health = &container.Health{Status: test.health}
		}
		testkit.Equal(t, fmt.Sprintf("%+v", s), StatusText(&s, now), test.want)
	}
}

// TestReason: the reason says what the exit code does not.
func TestReason(t *testing.T) {
	const (
		call = `execve("/bin/x", ["x", "y"], ["PATH=/bin"]): no such file or directory` +
			` (step 3 of 3, made by the trampoline: execute the program)`
		stopped = "killed by SIGTERM, sent by minictr"
		lost    = "exit status unknown: the machine went down"
		limit   = "out of memory at the limit of 64MiB"
	)
	oom := &cgroup.OOM{Kills: 1, Limit: 64 << 20, Peak: 64 << 20}
	for _, test := range []struct {
		exit        container.ExitStatus
		brief, full string
	}{
		{container.ExitStatus{}, "", ""},
		{container.ExitStatus{Signal: unix.SIGTERM, StoppedBy: unix.SIGTERM}, stopped, stopped},
		{container.ExitStatus{Signal: unix.SIGSEGV, StoppedBy: unix.SIGTERM}, "killed by SIGSEGV", "killed by SIGSEGV"},
		{container.ExitStatus{Signal: unix.SIGSEGV}, "killed by SIGSEGV", "killed by SIGSEGV"},
		{container.ExitStatus{Signal: unix.SIGKILL, OOM: oom}, limit, limit},
		{container.ExitStatus{Signal: unix.SIGKILL, OOM: &cgroup.OOM{Kills: 1}}, "out of memory", "out of memory"},
		{container.ExitStatus{OOM: oom}, "processes were killed: " + limit, "processes were killed: " + limit},
		{container.ExitStatus{Error: lost}, lost, lost},
		{container.ExitStatus{Error: call}, `execve("/bin/x"): no such file or directory`, call},
	} {
		s := container.State{Status: container.Exited, ExitStatus: &test.exit}
		if brief, full := Reason(&s, true), Reason(&s, false); brief != test.brief || full != test.full {
			t.Errorf("%+v: %q, %q; want %q, %q", test.exit, brief, full, test.brief, test.full)
		}
		s.Status = container.Running
		testkit.Equal(t, fmt.Sprintf("%+v, running", test.exit), Reason(&s, false), "")
	}
}
