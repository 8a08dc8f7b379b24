package runtime

import (
	"errors"
	"os"
	"os/signal"
	"time"

	"github.com/minictr/minictr/runtime/stdio"
	"golang.org/x/sys/unix"
)

// Signals are the signals that this program receives and forwards to its process. To
// catch a signal takes Go some time, and one that is not caught yet ends this program. So
// a goroutine catches those that a terminal, a shell or an engine sends while the
// container is prepared. To catch all others takes longer than to start a container: it
// is done for a process that lives for rareSignalsAfter.
type Signals struct {
	caught chan os.Signal
	ready  chan struct{}
}

// CatchSignals begins to catch signals for Forward.
func CatchSignals() *Signals {
	s := &Signals{make(chan os.Signal, 128), make(chan struct{})}
	go func() {
		signal.Notify(s.caught, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT,
			unix.SIGWINCH, unix.SIGUSR1, unix.SIGUSR2)
		close(s.ready)
	}()
	return s
}

// await waits until the signals are caught: a process that has started gets them.
func (s *Signals) await() { <-s.ready }

// Attach connects a process that has started to its streams, nil for none, and forwards
// signals to it. On error the process is killed.
func (p *Process) Attach(streams *stdio.Streams, interactive bool, signals *Signals) error {
	terminal, err := p.Terminal()
	if err == nil && streams != nil {
		err = streams.Started(terminal, interactive)
	}
	if err != nil {
		return errors.Join(err, p.Signal(unix.SIGKILL), p.Close())
	}
	go p.Forward(signals, terminal)
	return nil
}

// rareSignalsAfter is the age of a process from which on all signals are forwarded.
const rareSignalsAfter = 50 * time.Millisecond

// Forward forwards signals to the process until this program exits. SIGWINCH resizes the
// container's terminal, which sends the signal itself.
func (p *Process) Forward(signals *Signals, terminal *os.File) {
	for rarer := time.After(rareSignalsAfter); ; {
		select {
		case <-rarer:
			signal.Notify(signals.caught)
		case s := <-signals.caught:
			p.forward(s.(unix.Signal), terminal)
		}
	}
}

func (p *Process) forward(s unix.Signal, terminal *os.File) {
	switch s {
	case unix.SIGCHLD, unix.SIGURG, unix.SIGPIPE: // for this program: from the kernel, from Go
	case unix.SIGWINCH:
		if terminal != nil {
			stdio.Resize(terminal)
		}
	default:
		p.Signal(s)
	}
}
