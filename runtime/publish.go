package runtime

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/minictr/minictr/internal/atomicfile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
)

// What an engine wants of a new process: its number in a file, and, of one that
// has a terminal, the other end of that, through a socket.

// publish gives both, before the process runs.
func (t *ProcessOptions) publish(w *walk.Walk) error {
	if t.ConsoleSocket != "" {
		if err := sendTerminal(w, t.ConsoleSocket); err != nil {
			return fmt.Errorf("--console-socket: %w", err)
		}
	}
	if t.PidFile == "" {
		return nil
	}
	pid, _ := w.Result(plan.Pid)
	if err := atomicfile.Write(t.PidFile, []byte(strconv.Itoa(pid)), 0o644, false); err != nil {
		return fmt.Errorf("--pid-file: %w", err)
	}
	return nil
}

// sendTerminal sends the host's side of the terminal to whoever listens at
// path. The message is the terminal's name, which nobody needs.
func sendTerminal(w *walk.Walk, path string) error {
	fd, ok := w.Result(plan.Ptmx)
	if !ok {
		return errors.New("process.terminal is not set, there is no terminal to send")
	}
	return sendFd(path, []byte("/dev/ptmx"), fd)
}
