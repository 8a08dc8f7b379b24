package runtime

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/minictr/minictr/internal/atomicfile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
)

// publish gives an engine what it asked for, before the process runs: the pid in a file,
// and the host's end of the terminal and a pidfd over sockets.
func (t *ProcessOptions) publish(w *walk.Walk) error {
	if t.ConsoleSocket != "" {
		if err := sendTerminal(w, t.ConsoleSocket); err != nil {
			return fmt.Errorf("--console-socket: %w", err)
		}
	}
	if t.PidfdSocket != "" {
		if err := t.sendPidfd(w); err != nil {
			return fmt.Errorf("--pidfd-socket: %w", err)
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

// sendTerminal sends the host's end of the terminal to the socket at path. The message
// beside it is the terminal's name, as runc sends it.
func sendTerminal(w *walk.Walk, path string) error {
	fd, ok := w.Result(plan.Ptmx)
	if !ok {
		return errors.New("process.terminal: not set, there is no terminal to send")
	}
	return sendFd(path, []byte("/dev/ptmx"), fd)
}

// sendPidfd sends a pidfd of the process to the socket t.PidfdSocket. The message beside it
// is runc's name for the kind of process: a container's first one, or another that joins it.
func (t *ProcessOptions) sendPidfd(w *walk.Walk) error {
	kind := "standard"
	if t.Join != nil {
		kind = "setns"
	}
	fd, _ := w.Result(plan.Pidfd)
	return sendFd(t.PidfdSocket, []byte(kind), fd)
}
