package runtime

import (
	"errors"
	"os"
	"os/signal"
	"time"

	"github.com/minictr/minictr/runtime/stdio"
	"golang.org/x/sys/unix"
)

// Signals are those that we get for a process of ours. To catch one takes Go its
// time, and one that is not caught yet is lost or ends us. So the catching of
// those that a terminal, a shell or an engine sends begins early, beside all
// else, and has to have ended before there is a process. To catch all others
// takes longer than to make a container: that is done for a process that stays.
type Signals struct {
	caught chan os.Signal
	ready  chan struct{}
}

// CatchSignals begins to catch signals, for Forward.
func CatchSignals() *Signals {
	s := &Signals{make(chan os.Signal, 128), make(chan struct{})}
	go func() {
		signal.Notify(s.caught, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGWINCH, unix.SIGUSR1, unix.SIGUSR2)
		close(s.ready)
	}()
	return s
}

// Ready waits until they are caught: to be called before a process begins.
func (s *Signals) Ready() { <-s.ready }

// Attach connects a process that has begun to the streams that were made for it,
// nil for none, and to our signals. If that fails the process is killed.
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

// rareSignalsAfter is how old a process has to be for the rarer signals.
const rareSignalsAfter = 50 * time.Millisecond

// Forward hands signals on to the process, as long as this one lives. A new size
// of our window is not the process's to handle but its terminal's, which then
// tells the process.
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
	case unix.SIGCHLD, unix.SIGURG, unix.SIGPIPE: // meant for us: by the kernel, by Go
	case unix.SIGWINCH:
		if terminal != nil {
			stdio.Resize(terminal)
		}
	default:
		p.Signal(s)
	}
}
