package container

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/container/config"
	"golang.org/x/sys/unix"
)

// RestartingFile exists in a container's directory while its monitor waits before a
// restart.
const RestartingFile = "restarting"

// StoppedFile is a symbolic link in a container's directory to the number of the signal
// that stopped it, and ForShutdown. While it exists the monitor does not restart the
// container.
const StoppedFile = "stopped"

// ForShutdown ends the text of StoppedFile if the machine is shut down: the container is
// to be started again at the next boot.
const ForShutdown = ".shutdown"

// StoppedBy returns the signal that a command stopped the container with, 0 for none.
func (c *Container) StoppedBy() unix.Signal {
	text, err := os.Readlink(c.Path(StoppedFile))
	if err != nil {
		return 0
	}
	sig, err := strconv.Atoi(strings.TrimSuffix(text, ForShutdown))
	if err != nil {
		return unix.SIGKILL
	}
	return unix.Signal(sig)
}

// StoppedByUser reports whether a command stopped the container, and not for a shutdown.
func StoppedByUser(c *Container) bool {
	text, err := os.Readlink(c.Path(StoppedFile))
	return err == nil && !strings.HasSuffix(text, ForShutdown)
}

// Bounds of the pause before a restart.
const (
	minPause = 100 * time.Millisecond
	maxPause = time.Minute
)

// RestartPause reports whether the policy restarts a container that exited so, and
// after which pause. The pause doubles with each fast exit in a row.
func RestartPause(r config.RestartPolicy, exit *ExitStatus) (pause time.Duration, restart bool) {
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

// CancelRestart kills a monitor that waits before a restart.
func (c *Container) CancelRestart() error {
	if !c.Has(RestartingFile) {
		return nil
	}
	return c.KillMonitor()
}
