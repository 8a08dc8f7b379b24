package lessons

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strconv"

	"github.com/minictr/minictr/runtime/proc"
)

// Container returns the first process of the container of this name. minictr is asked for
// its number alone; all else is read from the kernel.
func (w *Work) Container(name string) (pid int, v *proc.View, err error) {
	out, err := w.Minictr("inspect", "--type", "container", "-f", "{{.State.Pid}}", name)
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		return 0, nil, missing("minictr ps --all; the lesson's text says how to make it", "no container %q", name)
	}
	if err != nil {
		return 0, nil, err
	}
	if pid, err = strconv.Atoi(out); err != nil {
		return 0, nil, fmt.Errorf("inspect %s: %w", name, err)
	}
	if pid != 0 {
		v, err = proc.Look(pid)
	}
	if pid == 0 || errors.Is(err, proc.ErrNotExist) {
		return 0, nil, missing(fmt.Sprintf("minictr logs %s; then minictr rm %s, and run it again", name, name),
			"the container %q does not run", name)
	}
	return pid, v, err
}

// Minictr runs minictr with the student's store, and returns what it prints, without space
// around it.
func (w *Work) Minictr(args ...string) (string, error) {
	cmd := exec.Command(w.minictr[0], append(w.minictr[1:], args...)...)
	out, err := cmd.Output()
	return string(bytes.TrimSpace(out)), err
}
