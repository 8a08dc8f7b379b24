package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime"
)

const exitFailure = 125 // of minictr itself, not of the program

// status is the exit code of a program that ran, as an error.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// exit prints an error and exits with docker's code for it: 127 if the program was
// not found, 126 if it could not be started, 125 for all else. A status is not
// printed: it is the program's own exit code.
func exit(err error) {
	var s status
	if errors.As(err, &s) {
		os.Exit(int(s))
	}
	tell(err)
	os.Exit(exitCode(err))
}

// tell prints an error and its hint.
func tell(err error) {
	fmt.Fprintln(os.Stderr, "minictr: "+printable.Message(err.Error()))
	h := hint.Of(err)
	if h == "" && errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
		h = "sudo minictr …"
	}
	if h != "" {
		fmt.Fprintln(os.Stderr, "hint: "+printable.Message(h))
	}
}

// exitCode returns docker's exit code for an error.
func exitCode(err error) int {
	if fault := new(container.ExitError); errors.As(err, &fault) {
		return fault.Code
	}
	if by := (interrupt{}); errors.As(err, &by) {
		return 128 + int(by.signal)
	}
	if code, ok := runtime.ExecExitCode(err); ok {
		return code
	}
	return exitFailure
}
