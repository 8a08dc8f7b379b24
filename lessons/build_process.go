package lessons

import (
	"bytes"
	"fmt"
	"os"
)

// checkProcess: the program starts another one in a child, with its own environment, waits
// for it, and returns its exit status.
func checkProcess(w *Work) error {
	p, err := w.Start("/bin/sh")
	if err != nil {
		return err
	}
	shared, err := p.Shares("pid")
	if err != nil {
		return err
	}
	if !shared {
		return missing("no namespace is asked for yet", "the process is in a pid namespace of its own")
	}
	var environ [2][]byte
	for i, pid := range []int{p.Pid, p.Init} {
		if environ[i], err = os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err != nil {
			return err
		}
	}
	if !bytes.Equal(environ[0], environ[1]) {
		return missing("execve(2), envp", "the shell does not have the environment of the program")
	}
	if _, err := p.End(); err != nil {
		return err
	}
	_, status, err := w.Run("/bin/sh", "-c", "exit 7")
	switch {
	case err != nil || status == 7:
		return err
	case status == 0:
		return missing("the first argument of the program is the program to execute",
			"run /bin/sh -c 'exit 7': exit status 0, not 7")
	}
	return missing("execve(2), argv: what is the first string of it?",
		"run /bin/sh -c 'exit 7': exit status %d, not 7", status)
}
