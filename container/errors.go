package container

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/minictr/minictr/hint"
)

// Errors that name a container's condition; the caller adds which container it is.
var (
	ErrNotExist   = errors.New("no such container")
	ErrRunning    = errors.New("container is running")
	ErrNotRunning = errors.New("container is not running")
	ErrNoCgroup   = errors.New("container has no cgroup")
	ErrBusy       = hint.New(errors.New("container is locked by another command"),
		"wait for that command to exit: cp, rm or gc, for example")
)

// About adds the container's name to an error, or its ID if it has no name.
func (c *Container) About(err error) error {
	return fmt.Errorf("container %q: %w", cmp.Or(c.Name, c.ID), err)
}

// corrupt is the error of a file with content that no command writes: the machine lost
// power, or the disk is broken.
type corrupt struct{ error }

func (c *Container) corrupt(err error) error {
	return hint.New(corrupt{err}, "remove the container with: minictr rm -f "+c.ID)
}

// IsCorrupt reports whether an error says that a container's file cannot be read.
func IsCorrupt(err error) bool {
	var c corrupt
	return errors.As(err, &c)
}

// ExitError is an error with the exit code that the command returns.
type ExitError struct {
	Err  error
	Code int // 0 to 255
}

func (e *ExitError) Error() string { return e.Err.Error() }

func (e *ExitError) Unwrap() error { return e.Err }
