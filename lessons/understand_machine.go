package lessons

import (
	"strconv"
	"strings"
)

// checkMachine: a container "guest" runs, and the file "pid" holds the number of its first
// process on the host.
func checkMachine(w *Work) error {
	pid, _, err := w.Container("guest")
	if err != nil {
		return err
	}
	text, err := readBelow(w.Dir, "pid")
	if err != nil {
		return missing("sudo minictr lesson check 14 DIRECTORY, if it is elsewhere",
			"%s: there is no file pid", w.Dir)
	}
	switch n, err := strconv.Atoi(strings.TrimSpace(text)); {
	case err != nil:
		return missing("the file holds nothing but digits", "pid: %q is not a number", text)
	case n == 1:
		return missing("look at it from outside of the container, with ps",
			"pid: 1 is the number in the container; on the host another process has it")
	case n != pid:
		return missing("ps -C sleep -o pid,args,pidns; which of them is in another pid namespace?",
			"pid: process %d is not the container's first process", n)
	}
	return nil
}
