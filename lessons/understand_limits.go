package lessons

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/cgroup"
)

// checkLimits: the container "small" has a resource limit of open files, and limits of its
// cgroup as far as this computer has the controllers.
func checkLimits(w *Work) error {
	pid, v, err := w.Container("small")
	if err != nil {
		return err
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		return err
	}
	if soft, hard := resourceLimit(string(limits), "Max open files"); soft != "64" || hard != "64" {
		return missing("the container's first process still has the limit that it began with; minictr run --help",
			"process %d may open %s files (hard limit %s), not 64", pid, soft, hard)
	}
	mount, err := cgroup.Mount()
	if err != nil {
		return err
	}
	for _, limit := range []struct{ controller, file, want, hint string }{
		{"pids", "pids.max", "20", "minictr run --help, under Limits"},
		{"memory", "memory.max", "67108864", "minictr run --help, under Limits; 1m are 1048576 bytes"},
	} {
		switch got := v.Cgroup.Values[limit.file]; {
		case !slices.Contains(cgroup.Available(mount), limit.controller):
			w.Note("%s: this computer has no controller %s in cgroups of version 2", limit.file, limit.controller)
		case got != limit.want:
			return missing(limit.hint, "%s of its cgroup is %q, not %s", limit.file, got, limit.want)
		}
	}
	return nil
}

// resourceLimit returns the soft and the hard limit of a name in /proc/PID/limits.
func resourceLimit(text, name string) (soft, hard string) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		if fields := strings.Fields(rest); ok && len(fields) >= 2 {
			return fields[0], fields[1]
		}
	}
	return "", ""
}
