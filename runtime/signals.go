package runtime

import (
	"os"
	"os/signal"

	"github.com/minictr/minictr/runtime/stdio"
	"golang.org/x/sys/unix"
)

// Signals catches every signal that can be caught, for Forward. Those that a
// terminal or a shell sends are caught when it returns: also where the caller
// ignores them, which the container must not inherit (clone3 resets what is
// caught, not what is ignored). Go takes its time over each, so the rest goes
// on beside the making of the container.
func Signals() <-chan os.Signal {
	signals := make(chan os.Signal, 128)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGWINCH)
	go signal.Notify(signals)
	return signals
}

// Forward hands signals on to the process, as long as this one lives. A new
// size of our window is not the process's to handle but its terminal's, which
// then tells the process.
func (p *Process) Forward(signals <-chan os.Signal, terminal *os.File) {
	for s := range signals {
		switch sig := s.(unix.Signal); sig {
		case unix.SIGCHLD, unix.SIGURG, unix.SIGPIPE: // meant for us: by the kernel, by Go
		case unix.SIGWINCH:
			if terminal != nil {
				stdio.Resize(terminal)
			}
		default:
			p.Signal(sig)
		}
	}
}
