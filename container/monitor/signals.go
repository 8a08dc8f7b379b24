package monitor

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// terminalSignals are signals that a terminal or a full disk sends.
var terminalSignals = [...]os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE, unix.SIGXFSZ, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU}

// ignoreSignals holds for what we become, too: execve(2) keeps what is ignored.
func ignoreSignals() { signal.Ignore(terminalSignals[:]...) }

// catchSignals does nothing about them either, and a container that is made
// meanwhile has their default actions: a handler does not outlive execve(2).
func catchSignals() { signal.Notify(make(chan os.Signal, 1), terminalSignals[:]...) }
