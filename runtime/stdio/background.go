package stdio

import (
	"errors"
	"os"

	"github.com/minictr/minictr/runtime/plan"
)

// Detach prepares the streams of a process that has nobody in front of it, and
// runs as uid. The other ends of its pipes are ours, for the caller to close:
// ours[1] and [2] are to be read, so that it never blocks; ours[0], with
// interactive, to be written. Otherwise it reads stdin, or nothing. With tty
// nothing is needed here: the plan makes the terminal.
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
		s.Null[0] = true
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

// Null are the streams of a process that nobody speaks to or hears.
func Null() *Streams {
	return &Streams{Given: map[plan.Ref]int{}, Null: [3]bool{true, true, true}}
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
