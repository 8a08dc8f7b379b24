package stdio

// A pipe in front of a file, a device or a terminal, and what is copied through it.
//
// Where nobody takes the output any more, as after `| head -1`, the process is
// told as it would be without us: a pipe breaks (SIGPIPE), a terminal hangs up
// (SIGHUP, and EIO for who writes there nevertheless). That a disk is full it
// learns the same way, and our caller from us.
//
// Of a file that it reads it has taken what is no longer in the pipe. Who reads on
// after us, as a shell in `while read`, begins there.

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Input is a file, and a pipe in which a process reads it.
type Input struct {
	Theirs *os.File // what the process reads

	from, to *os.File
	rest     *os.File // Theirs once more, to see what was left in it; nil if from is no regular file
	start    int64    // where in the file we begin
	copied   int64
	err      error
	done     chan struct{}
}

// NewInput makes the pipe.
func NewInput(from *os.File) (i *Input, err error) {
	if err := refuseFolder(from); err != nil {
		return nil, err
	}
	i = &Input{from: from, done: make(chan struct{})}
	if i.Theirs, i.to, err = os.Pipe(); err != nil {
		return nil, err
	}
	st, err := from.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return i, err
	}
	rest, err := unix.FcntlInt(i.Theirs.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl(F_DUPFD_CLOEXEC)", err)
	}
	i.rest = os.NewFile(uintptr(rest), "pipe")
	i.start, err = from.Seek(0, io.SeekCurrent)
	return i, err
}

// Begin begins to copy.
func (i *Input) Begin() {
	go func() {
		defer close(i.done)
		var failed *fs.PathError
		copied, err := io.Copy(i.to, i.from)
		if i.copied = copied; errors.As(err, &failed) && failed.Op == "read" {
			i.err = err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			i.to.Close() // the end of the file
		}
	}()
}

// End ends copying, and leaves a regular file where the process has read to. The
// error is one of reading it.
func (i *Input) End() error {
	if i.rest == nil {
		return nil
	}
	defer i.to.Close()
	defer i.rest.Close()
	i.to.SetWriteDeadline(time.Unix(1, 0)) // a pipe that nobody empties any more
	<-i.done
	left, err := unix.IoctlGetInt(int(i.rest.Fd()), unix.TIOCINQ)
	if err == nil { // a process may have written to its own input
		_, err = i.from.Seek(i.start+max(i.copied-int64(left), 0), io.SeekStart)
	}
	return errors.Join(i.err, err)
}

func (s *Streams) openInput(ours *os.File, uid uint32) (err error) {
	if s.input, err = NewInput(ours); err != nil {
		return err
	}
	s.give(0, s.input.Theirs)
	return own(s.input.Theirs, uid)
}

// output is what a process says, and where it goes.
type output struct {
	to, from *os.File
	patient  bool // a file, or a device, may take its time
	tells    bool // whoever is at a terminal sees that it is gone
	done     chan struct{}
	failed   error // to write
}

// openOutput makes a pipe. Where ours are one file, those of the process are, too: what
// it says then keeps its order.
func (s *Streams) openOutput(fd int, ours *os.File, uid uint32) error {
	if err := refuseFolder(ours); err != nil {
		return err
	}
	if fd == 2 && s.Made[1] && same(os.Stdout, ours) {
		s.Given[names[2]], s.Made[2] = s.Given[names[1]], true
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	s.give(fd, w)
	s.outputs = append(s.outputs, newOutput(ours, r, !IsTerminal(ours)))
	return own(w, uid)
}

func same(a, b *os.File) bool {
	x, err := a.Stat()
	y, err2 := b.Stat()
	return err == nil && err2 == nil && os.SameFile(x, y)
}

func newOutput(to, from *os.File, patient bool) *output {
	return &output{to: to, from: from, patient: patient, tells: !IsTerminal(to), done: make(chan struct{})}
}

// drain is how long output is awaited after the process has ended. Only another one
// that it has left behind, and that lives on, could still say something.
const drain = 2 * time.Second

func (o *output) copy() {
	defer close(o.done)
	for {
		n, err := io.Copy(o.to, o.from)
		var failed *fs.PathError
		if errors.As(err, &failed) && failed.Op == "write" {
			hangUp(o.from)
			if o.tells && !errors.Is(err, unix.EPIPE) { // of a pipe, its reader knows
				o.failed = err
			}
		}
		if n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		o.from.SetReadDeadline(time.Now().Add(drain))
	}
}

// finish waits for what was said last. A terminal that is held (Ctrl-S) is not waited
// for beyond the limit; what goes to a file comes there.
func (o *output) finish(limit time.Time) error {
	if o.patient {
		o.from.SetReadDeadline(limit)
		<-o.done
		return o.failed
	}
	select {
	case <-o.done:
		return o.failed
	case <-time.After(time.Until(limit)):
		return nil
	}
}

// hangUp closes our end for good. A terminal does not end with one descriptor
// of many, so its other side is hung up, as vhangup(2) does with one's own.
func hangUp(f *os.File) {
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		if peer, err := peer(fd); err == nil { // a terminal
			unix.IoctlSetInt(peer, unix.TIOCVHANGUP, 0)
			unix.Close(peer)
		}
	})
}
