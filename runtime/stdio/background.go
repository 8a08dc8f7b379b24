package stdio

import (
	"errors"
	"fmt"
	"os"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Detach prepares the streams of a process that has nobody in front of it, and
// runs as uid. The other ends of its pipes are ours, for the caller to close:
// ours[1] and [2] are to be read, so that it never blocks; ours[0], with
// interactive, to be written. Otherwise it reads stdin, which is our own, or
// nothing. With tty nothing is needed here: the plan makes the terminal.
func Detach(stdin *os.File, interactive, tty bool, uid uint32) (s *Streams, ours [3]*os.File, err error) {
	s = &Streams{Given: map[plan.Ref]int{}}
	if tty {
		return s, ours, nil
	}
	switch {
	case stdin != nil:
		err = s.lend(stdin, uid)
		s.lent = nil // the process has it longer than we
	case interactive:
		err = s.pair(0, &ours, uid)
	default:
		err = s.empty()
	}
	for fd := 1; fd <= 2 && err == nil; fd++ {
		err = s.pair(fd, &ours, uid)
	}
	if err != nil {
		s.Close()
		for _, f := range ours {
			err = errors.Join(err, closeIf(f))
		}
	}
	return s, ours, err
}

// Peer is the other end of a terminal: the one that its processes have. As long as
// somebody holds it the terminal is not hung up when they have all closed it, and
// they may open it again, as an init(1) does for each line.
func Peer(terminal *os.File) (*os.File, error) {
	raw, err := terminal.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	var peerErr error
	if err := raw.Control(func(ours uintptr) { fd, peerErr = peer(ours) }); err != nil {
		return nil, err
	}
	if peerErr != nil {
		return nil, fmt.Errorf("ioctl(TIOCGPTPEER): %w", peerErr)
	}
	return os.NewFile(uintptr(fd), "pts"), nil
}

func peer(terminal uintptr) (int, error) {
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, terminal, unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// Null prepares the streams of a process that nobody speaks to or hears: null(4).
func Null() (*Streams, error) {
	s := &Streams{Given: map[plan.Ref]int{}}
	for fd := range names {
		f, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.give(fd, f)
	}
	return s, nil
}

// pair makes a pipe for a stream.
func (s *Streams) pair(fd int, ours *[3]*os.File, uid uint32) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	theirs := w
	ours[fd] = r
	if fd == 0 {
		theirs, ours[fd] = r, w
	}
	s.give(fd, theirs)
	return own(theirs, uid)
}

func closeIf(f *os.File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}
