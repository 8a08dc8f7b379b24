package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// programError is the error of a program that could not be executed, in the words of runc
// and docker, which engines and people look for.
type programError struct {
	name  string // process.args[0]
	cause *walk.Error
}

func (e *programError) Error() string {
	text := fmt.Sprintf("exec %s: %s", e.name, e.cause.Errno)
	if e.cause.Errno == unix.ENOENT && !strings.Contains(e.name, "/") {
		text = fmt.Sprintf("exec: %q: executable file not found in $PATH", e.name)
	}
	return fmt.Sprintf("%s (step %d of %d, made by the %s for %s)",
		text, e.cause.Index+1, e.cause.Of, e.cause.Step.Side, e.cause.Step.From)
}

func (e *programError) Unwrap() error { return e.cause }

// withProgram returns err, or a programError if it says that the program of process, not that
// of a hook, could not be executed.
func withProgram(err error, process *specs.Process) error {
	var e *walk.Error
	if hook := new(runtime.HookError); errors.As(err, &hook) {
		return err
	}
	if process == nil || len(process.Args) == 0 || !errors.As(err, &e) || !e.Exec() || e.Errno == 0 {
		return err
	}
	return &programError{process.Args[0], e}
}
