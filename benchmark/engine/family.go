package engine

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Which processes serve a container? Those that descend from the command that
// made it. A daemon loses its parent; the kernel gives it the nearest ancestor
// that is a "child subreaper" (prctl(2)), which is the benchmark for as long as
// the command runs: so everything stays in the family.

// adopt makes this process the parent of those that lose theirs, until release.
// It is not for ever: others, such as libvirt, rely on a first process that
// buries at once whoever has died.
func adopt() (release func(), err error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, os.NewSyscallError("prctl", err)
	}
	return func() { unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) }, nil
}

// family is a set of process ids.
type family []int

// relatives are all processes that descend from this one. Zombies are not
// counted: they serve nobody.
func relatives() family {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if state, parent := stat(pid); state != "Z" && state != "" {
				children[parent] = append(children[parent], pid)
			}
		}
	}
	all := family{os.Getpid()}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all[1:]
}

// stat is a process's state and its parent (proc_pid_stat(5)); "" if there is
// no such process.
func stat(pid int) (state string, parent int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	if words := strings.Fields(rest); len(words) > 1 {
		parent, _ = strconv.Atoi(words[1])
		return words[0], parent
	}
	return "", 0
}

func (f family) without(others family) family {
	return slices.DeleteFunc(slices.Clone(f), func(pid int) bool { return slices.Contains(others, pid) })
}

func (f family) alive() family {
	return slices.DeleteFunc(slices.Clone(f), func(pid int) bool {
		state, _ := stat(pid)
		return state == "" || state == "Z"
	})
}

// end waits until all are gone, and buries whoever died in this family.
func (f family) end(ctx context.Context) error {
	for len(f.alive()) > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("processes %v are still there: %w", f.alive(), ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
	bury()
	return nil
}

// bury waits for the children that have ended and that nobody else waits for.
// It is called when no command is running.
func bury() {
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if state, parent := stat(pid); state == "Z" && parent == os.Getpid() {
			unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
	}
}
