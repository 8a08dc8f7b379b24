package runtime

import (
	"os"

	"github.com/minictr/minictr/runtime/stdio"
	"golang.org/x/sys/unix"
)

// Forward hands signals on to the process, until the channel is closed. A new
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
