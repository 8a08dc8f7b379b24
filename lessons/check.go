package lessons

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/minictr/minictr/hint"
)

// timeLimit is how long a check waits for a student's program to do what it should.
const timeLimit = 30 * time.Second

// Check checks what the student has made of a lesson in dir, with the command minictr and
// its first arguments, and records that it is done. The notes say what could not be checked
// on this computer. The error is a [*Missing] if the result is not the lesson's.
//
// A student's program runs as root, but in a mount namespace of its own, so that it mounts
// nothing on the host. Check ends all processes that it has left, and removes its cgroup.
func (l *Lesson) Check(s *Student, dir string, minictr ...string) (notes []string, err error) {
	if os.Geteuid() != 0 {
		return nil, hint.New(fmt.Errorf("lesson check %d: needs root", l.Number),
			fmt.Sprintf("sudo minictr lesson check %d", l.Number))
	}
	w := &Work{Lesson: l, Dir: dir, Student: s, minictr: minictr, limit: timeLimit}
	if err := w.makeScratch(); err != nil {
		return nil, err
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	return w.notes, s.record(l)
}

// check runs the lesson's check, and removes what it has left, even if it panics.
func (w *Work) check() (err error) {
	defer func() { err = errors.Join(err, w.end()) }()
	return w.Lesson.check(w)
}

// end removes what the student's program and the check have left.
func (w *Work) end() error {
	err := w.killAll()
	for _, p := range w.programs {
		p.out.Close()
	}
	err = errors.Join(err, removeScratch(w.scratch))
	w.lock.Close()
	return err
}
