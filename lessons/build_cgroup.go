package lessons

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// checkCgroup: the process is in the cgroup, with the limits where their controllers are
// enabled, and the program removes the cgroup.
func checkCgroup(w *Work) error {
	group, err := w.Cgroup()
	if err != nil {
		return err
	}
	p, err := w.StartInRoot(group)
	if err != nil {
		return err
	}
	procs, err := os.ReadFile(group + "/cgroup.procs")
	if err != nil {
		return missing("mkdir(2) makes a cgroup", "%s: there is no such cgroup while the shell runs", group)
	}
	if !slices.Contains(strings.Fields(string(procs)), fmt.Sprint(p.Init)) {
		return missing("in which cgroup does the child begin?", "%s: the shell is not in this cgroup", group)
	}
	switch limit, err := os.ReadFile(group + "/pids.max"); {
	case errors.Is(err, fs.ErrNotExist):
		w.Note("no cgroup can limit processes here: the controller pids is not enabled")
	case err != nil:
		return err
	case strings.TrimSpace(string(limit)) != "16":
		return missing("write(2) to the file pids.max", "pids.max is %s", limit)
	}
	if _, err := p.End(); err != nil {
		return err
	}
	if _, err := os.Stat(group); err == nil {
		return missing("leave the end of main as it was", "when the program has ended, the cgroup is still there")
	}
	return nil
}
