package container

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/minictr/minictr/hint"
)

// About adds to an error which container it is about.
func (c *Container) About(err error) error {
	return fmt.Errorf("container %q: %w", cmp.Or(c.Name, c.ID), err)
}

var ErrNotExist = errors.New("no such container")

var ErrRunning = errors.New("it is running")

var ErrBusy = hint.New(errors.New("another command is at work on it"), "wait until that one has ended: cp, rm or gc, for example")

// IsNotExist tells whether an error is that there is no such container.
func IsNotExist(err error) bool { return errors.Is(err, ErrNotExist) }

// corrupt is the error of a file that nobody has written so: there was a power cut, or
// the disk is broken.
type corrupt struct{ error }

func (c *Container) corrupt(err error) error {
	return hint.New(corrupt{err}, "remove the container with: minictr rm -f "+c.ID)
}

func IsCorrupt(err error) bool {
	var t corrupt
	return errors.As(err, &t)
}

// ExitError is an error whose exit code is known.
type ExitError struct {
	Err  error
	Code int
}

func (f *ExitError) Error() string { return f.Err.Error() }

func (f *ExitError) Unwrap() error { return f.Err }

var ErrNotRunning = errors.New("it is not running")

var ErrNoCgroup = errors.New("it has no cgroup, which would know of it")
