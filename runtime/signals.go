package runtime

import (
	"os"
	"os/signal"

	"github.com/minictr/minictr/runtime/stdio"
	"golang.org/x/sys/unix"
)

// Signals catches the signals that a terminal or a shell sends, for Forward. Go
// takes its time over each, so that goes on beside the making of the container.
func Signals() chan os.Signal {
	signals := make(chan os.Signal, 128)
	go signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGWINCH)
	return signals
}

// Forward catches all others too, and hands signals on to the process, as long
// as this one lives. A new size of our window is not the process's to handle
// but its terminal's, which then tells the process.
func (p *Process) Forward(signals chan os.Signal, terminal *os.File) {
	signal.Notify(signals)
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
