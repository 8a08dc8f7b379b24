package stdio

// A pipe in front of a file, a device or a terminal, and the copying through it.
//
// When the output has no reader any more, as after `| head -1`, the process is
// notified as without minictr: its pipe breaks (SIGPIPE, EPIPE), its terminal hangs
// up (SIGHUP, EIO). So it is when a disk is full; minictr's caller gets the error.
//
// The process has read of a file what is no longer in the pipe. The offset of the
// file is set to that place, for a caller that reads on, as a shell in `while read`.

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Input is a file, and the pipe through which a process reads it.
type Input struct {
	ContainerEnd *os.File // the process reads it

	from, to *os.File
	rest     *os.File // a duplicate of ContainerEnd, to see what was left; nil if from is not a regular file
	start    int64    // offset in from
	copied   int64
	err      error
	done     chan struct{}
}

// NewInput makes the pipe. It is an error if from is a directory.
func NewInput(from *os.File) (i *Input, err error) {
	if err := refuseDir(from); err != nil {
		return nil, err
	}
	i = &Input{from: from, done: make(chan struct{})}
	if i.ContainerEnd, i.to, err = os.Pipe(); err != nil {
		return nil, err
	}
	st, err := from.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return i, err
	}
	rest, err := unix.FcntlInt(i.ContainerEnd.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl(F_DUPFD_CLOEXEC)", err)
	}
	i.rest = os.NewFile(uintptr(rest), "pipe")
	i.start, err = from.Seek(0, io.SeekCurrent)
	return i, err
}

// Start begins to copy, in a goroutine.
func (i *Input) Start() {
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

// Finish stops copying, and sets the offset of a regular file to what the process has
// read. The error is one of reading or seeking the file.
func (i *Input) Finish() error {
	if i.rest == nil {
		return nil
	}
	defer i.to.Close()
	defer i.rest.Close()
	i.to.SetWriteDeadline(time.Unix(1, 0)) // the pipe has no reader any more
	<-i.done
	left, err := unix.IoctlGetInt(int(i.rest.Fd()), unix.TIOCINQ)
	if err == nil { // less than 0: the process has written to its own input
		_, err = i.from.Seek(i.start+max(i.copied-int64(left), 0), io.SeekStart)
	}
	return errors.Join(i.err, err)
}

func (s *Streams) openInput(hostEnd *os.File, uid uint32) (err error) {
	if s.input, err = NewInput(hostEnd); err != nil {
		return err
	}
	s.describePipe(0, uid)
	s.connect(0, s.input.ContainerEnd)
	return chown(s.input.ContainerEnd, uid)
}

// output is a stream of a process, and the file that it is copied to.
type output struct {
	to, from   *os.File
	toEnd      bool // a file or a device gets all output, however long that takes
	keepsError bool // of writing; a user sees that the terminal is gone
	done       chan struct{}
	err        error // of writing
}

// openOutput makes a pipe. If standard output and standard error are one file, they
// share a pipe, so that the output keeps its order.
func (s *Streams) openOutput(fd int, hostEnd *os.File, uid uint32) error {
	if err := refuseDir(hostEnd); err != nil {
		return err
	}
	if s.sharesPipe(fd, hostEnd) {
		s.FDs[refs[2]], s.Connected[2] = s.FDs[refs[1]], true
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	s.describePipe(fd, uid)
	s.connect(fd, w)
	s.outputs = append(s.outputs, newOutput(hostEnd, r, !IsTerminal(hostEnd)))
	return chown(w, uid)
}

// sharesPipe reports whether standard error gets the pipe of standard output.
func (s *Streams) sharesPipe(fd int, hostEnd *os.File) bool {
	return fd == 2 && s.Connected[1] && sameFile(os.Stdout, hostEnd)
}

func sameFile(a, b *os.File) bool {
	x, err := a.Stat()
	y, err2 := b.Stat()
	return err == nil && err2 == nil && os.SameFile(x, y)
}

func newOutput(to, from *os.File, patient bool) *output {
	return &output{to: to, from: from, toEnd: patient, keepsError: !IsTerminal(to), done: make(chan struct{})}
}

// drain is how long Ended waits for output after the process has ended: only a
// process that it has left behind could still write, and leave.go is for that.
const drain = 2 * time.Second

// mostHeld is how many bytes of a pipe Ended copies when that time is over; pipe(7) limits
// the capacity to that for processes without privileges.
const mostHeld = 1 << 20

func (o *output) copy() {
	defer close(o.done)
	_, err := io.Copy(o.to, o.from)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = o.copyHeld()
	}
	var failed *fs.PathError
	if errors.As(err, &failed) && failed.Op == "write" {
		hangUp(o.from)
		if o.keepsError && !errors.Is(err, unix.EPIPE) { // the reader of a pipe knows
			o.err = err
		}
	}
}

// copyHeld copies what is in the pipe: the process may have filled it before it ended.
func (o *output) copyHeld() error {
	var held int
	err := control(o.from, func(fd uintptr) (err error) {
		held, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		return err
	})
	if err != nil || held == 0 {
		return err
	}
	o.from.SetReadDeadline(time.Now().Add(drain))
	data := make([]byte, min(held, mostHeld))
	n, err := o.from.Read(data)
	if err != nil {
		return err
	}
	_, err = o.to.Write(data[:n])
	return err
}

// finish waits for the last output. It waits for a terminal that is stopped (Ctrl-S)
// up to the limit only; a file gets all output. What processes left behind write after
// that is copied by another process.
func (o *output) finish(limit time.Time) error {
	if o.toEnd {
		o.from.SetReadDeadline(limit)
		<-o.done
	} else {
		o.from.SetReadDeadline(limit.Add(-drain / 2))
		select {
		case <-o.done:
		case <-time.After(time.Until(limit)):
		}
	}
	if o.isOpen() {
		return errors.Join(o.err, o.leave())
	}
	return o.err
}

// hangUp closes the host end of a stream. A terminal has more descriptors than that,
// so its other end is hung up, as vhangup(2) does with the caller's.
func hangUp(f *os.File) {
	defer f.Close()
	control(f, func(fd uintptr) error {
		peer, err := peer(fd)
		if err != nil { // not a terminal
			return err
		}
		defer unix.Close(peer)
		return unix.IoctlSetInt(peer, unix.TIOCVHANGUP, 0)
	})
}
