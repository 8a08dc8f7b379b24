package monitor

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// harmlessSignals are those that a terminal, a closed pipe or a file size limit sends;
// none of them is to end the monitor.
var harmlessSignals = []os.Signal{
	unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE, unix.SIGXFSZ, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU,
}

// ignoreSignals ignores them in the table, too: execve(2) preserves ignored signals.
func ignoreSignals() { signal.Ignore(harmlessSignals...) }

// catchSignals handles them by doing nothing. A container that is started then has their
// default actions: execve(2) resets handlers.
func catchSignals() { signal.Notify(make(chan os.Signal, 1), harmlessSignals...) }
