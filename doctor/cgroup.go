package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// checkCgroup makes a cgroup, starts a process in it, and kills it as a whole.
func checkCgroup(string) []Finding {
	const without = "each container is in a cgroup of its own"
	mount, err := cgroup.Mount()
	if err != nil {
		return []Finding{failed("cgroup2", Error, err, without, "mount -t cgroup2 none /sys/fs/cgroup")}
	}
	path := filepath.Join(mount, fmt.Sprintf("minictr-doctor-%d", os.Getpid()))
	err = trySteps(slices.Concat(
		[]step{call.Mkdirat("", path, 0o755), call.Openat("", path, unix.O_PATH|unix.O_DIRECTORY).As("cgroup")},
		waitingChild(0, "cgroup"),
		[]step{call.Openat("cgroup", "cgroup.kill", unix.O_WRONLY).As("kill"), call.Write("kill", "1"),
			call.Wait4(child)},
	)...)
	unix.Rmdir(path) // no effect unless the plan has made it
	if err != nil {
		return []Finding{failed("cgroup2", Error, err, without, "use Linux 5.14, which has cgroup.kill")}
	}
	return []Finding{{Name: "cgroup2", Status: OK, Found: mount}}
}

// controllers are those that limits need, with the flags of `minictr run`.
var controllers = [][2]string{
	{"cpu", "--cpus, --cpu-shares"}, {"cpuset", "--cpuset-cpus, --cpuset-mems"},
	{"memory", "--memory, --memory-swap, --memory-reservation"}, {"io", "--blkio-weight, --device-read-bps"},
	{"pids", "--pids-limit"},
}

// checkControllers finds out which controllers a container's cgroup can have.
func checkControllers(string) (list []Finding) {
	mount, err := cgroup.Mount()
	if err != nil {
		return nil // checkCgroup says it
	}
	available := cgroup.Available(mount)
	enabled, _ := os.ReadFile(filepath.Join(mount, "cgroup.subtree_control"))
	v1, _ := os.ReadFile("/proc/self/cgroup")
	for _, c := range controllers {
		f := Finding{Name: "controller " + c[0], Status: OK, Found: "available: enabled with the first container"}
		switch {
		case slices.Contains(strings.Fields(string(enabled)), c[0]):
			f.Found = "enabled"
		case slices.Contains(available, c[0]):
		default:
			f.Status, f.Without = Warning, c[1]
			f.Found, f.Hint = "not in "+mount, "use a kernel with this controller, or delegate it to this cgroup"
			if inVersion1(string(v1), c[0]) {
				f.Found, f.Hint = "in cgroup version 1", "boot with systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all"
			}
		}
		list = append(list, f)
	}
	return list
}

// inVersion1 reports whether a line of /proc/self/cgroup, "4:memory:/", names a controller of
// version 1 (cgroups(7)); there io is called blkio.
func inVersion1(text, controller string) bool {
	if controller == "io" {
		controller = "blkio"
	}
	for line := range strings.Lines(text) {
		fields := strings.SplitN(line, ":", 3)
		if len(fields) == 3 && slices.Contains(strings.Split(fields[1], ","), controller) {
			return true
		}
	}
	return false
}

// emptyCgroups lists the cgroups of containers that have no process.
func emptyCgroups() (list []string) {
	mount, err := cgroup.Mount()
	if err != nil {
		return nil
	}
	dirs, err := os.ReadDir(filepath.Join(mount, "minictr"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, d := range dirs {
		path := filepath.Join(mount, "minictr", d.Name())
		events, err := os.ReadFile(filepath.Join(path, "cgroup.events"))
		if err == nil && strings.Contains(string(events), "populated 0") {
			list = append(list, path)
		}
	}
	return list
}
