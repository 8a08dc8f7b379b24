package stdio

import (
	"errors"
	"os"

	"github.com/minictr/minictr/runtime/plan"
)

// Detach prepares the streams of a detached process that runs as uid, a user ID on
// the host. The caller closes the host ends of its pipes: it reads hostEnds[1] and
// [2], so that the process never blocks, and writes hostEnds[0], which is there if
// interactive. Otherwise the process reads stdin, or null if that is nil. With tty
// there are no pipes: the plan makes the terminal.
func Detach(stdin *os.File, interactive, tty bool, uid uint32) (s *Streams, hostEnds [3]*os.File, err error) {
	s = &Streams{FDs: map[plan.Ref]int{}}
	if tty {
		return s, hostEnds, nil
	}
	switch {
	case stdin != nil:
		err = s.chownPipe(stdin, uid)
		s.chowned = nil // not undone: the process has it for longer than the caller
	case interactive:
		err = s.makePipe(0, &hostEnds, uid)
	default:
		s.Null[0] = true
	}
	for fd := 1; fd <= 2 && err == nil; fd++ {
		err = s.makePipe(fd, &hostEnds, uid)
	}
	if err != nil {
		s.Close()
		for _, f := range hostEnds {
			if f != nil {
				err = errors.Join(err, f.Close())
			}
		}
	}
	return s, hostEnds, err
}

// Null returns three streams that are null(4).
func Null() *Streams {
	return &Streams{FDs: map[plan.Ref]int{}, Null: [3]bool{true, true, true}}
}

// makePipe makes the pipe of a stream.
func (s *Streams) makePipe(fd int, hostEnds *[3]*os.File, uid uint32) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	hostEnd, containerEnd := r, w
	if fd == 0 {
		hostEnd, containerEnd = w, r
	}
	hostEnds[fd] = hostEnd
	s.connect(fd, containerEnd)
	return chown(containerEnd, uid)
}
