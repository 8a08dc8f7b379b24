package container

import (
	"os"
	"strconv"
	"time"

	"github.com/minictr/minictr/container/config"
	"golang.org/x/sys/unix"
)

const minPause = 100 * time.Millisecond

const maxPause = time.Minute

// restart tells whether a container that has ended so is to begin again, and after
// which pause. The pause doubles each time it ends soon.
func RestartPause(r config.RestartPolicy, exit *ExitStatus) (pause time.Duration, again bool) {
	switch {
	case exit.StoppedBy != 0 || r.Policy == config.RestartNo:
		return 0, false
	case r.Policy == config.RestartOnFailure && (exit.ExitCode == 0 || r.Max > 0 && exit.Restarts >= r.Max):
		return 0, false
	}
	pause = minPause
	for range exit.FastExits - 1 {
		pause = min(2*pause, maxPause)
	}
	return pause, true
}

// StoppedBy is the signal by which somebody has stopped it, 0 if nobody has.
func (c *Container) StoppedBy() unix.Signal {
	number, err := os.Readlink(c.Path("stopped"))
	if err != nil {
		return 0
	}
	sig, err := strconv.Atoi(number)
	if err != nil {
		return unix.SIGKILL
	}
	return unix.Signal(sig)
}

// RestartingFile exists in a container's directory while its monitor waits before a
// restart.
const RestartingFile = "restarting"

// CancelRestart ends a watcher that waits to begin again.
func (c *Container) CancelRestart() error {
	if !c.Has(RestartingFile) {
		return nil
	}
	return c.KillMonitor()
}
