// Beyond a plain container: cgroups of systemd
//
// Where systemd is the first process it owns the tree of cgroups, and delegates some of
// them (package systemd). Options.Delegated is such a cgroup: a scope that systemd has made
// for this container alone, or the parent of the container's cgroup. systemd writes the
// cgroups above it.

package compile

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// isSystemds reports whether the cgroup dir is above a delegated one. "" is the root.
func isSystemds(dir, delegated string) bool {
	return delegated != "" && (dir == "" || strings.HasPrefix(delegated, dir+"/"))
}

// unknownToSystemd returns the controllers that systemd never enables, and so never disables.
func unknownToSystemd(controllers []string) []string {
	return slices.DeleteFunc(slices.Clone(controllers), func(c string) bool {
		return !slices.Contains([]string{"hugetlb", "misc", "rdma"}, c)
	})
}

// openScope opens the scope of the container, and returns the files to write. While it
// starts, one process more is in the scope, its holder, which pids.max must not keep from
// existing; the limit of the config is set when that has exited.
func openScope(l *list, open plan.Step, files []cgroup.File) []cgroup.File {
	l.host("the container's cgroup: a scope that systemd has made for it, asked over D-Bus",
		open.Hint(unix.ENOENT, "is cgroup2 mounted where systemd uses it? systemd-cgls shows the scope"))
	files = slices.Clone(files)
	for i := range files {
		if n, err := strconv.Atoi(files[i].Value); files[i].Name == "pids.max" && err == nil {
			files[i].Value = strconv.Itoa(n + 1)
			files[i].Why = "maximum number of processes and threads, and one for the holder of the scope"
		}
	}
	return files
}

// checkNotUnit refuses the name of a unit where a path is expected.
func checkNotUnit(cgroupsPath string) error {
	if strings.HasPrefix(cgroupsPath, "/") || strings.Count(cgroupsPath, ":") != 2 {
		return nil
	}
	return hint.New(errors.New("form SLICE:PREFIX:NAME is for systemd"),
		"minictr-oci --systemd-cgroup; without systemd let the engine name cgroups by path: docker's "+
			"native.cgroupdriver=cgroupfs, podman's --cgroup-manager cgroupfs, containerd's SystemdCgroup = false")
}

// Holder returns the plan of a process that does nothing but wait for SIGKILL, as "holder":
// systemd makes a scope for a process, and removes it with the last one. Unless it stays,
// it is killed when the calling thread exits.
func Holder(stays bool) (*plan.Plan, error) {
	b := &builder{}
	if err := b.makeTrampoline(); err != nil {
		return nil, err
	}
	b.begin("cgroup", "linux.cgroupsPath")
	holdProcess(&b.list, "a process that holds the scope", stays, func(helper func(why string, s plan.Step)) {
		if stays {
			helper("leave the session of the caller, and its terminal", call.Setsid())
			helper("keep no directory of the caller in use", call.Chdir("/"))
			helper("SIGTERM ends it: unblock all signals", call.UnblockSignals())
		}
	})
	return &b.plan, nil
}

// holdProcess makes the process "holder", which makes some calls and then waits.
func holdProcess(l *list, why string, stays bool, calls func(helper func(why string, s plan.Step))) {
	s := call.Clone3(unix.CLONE_VM|unix.CLONE_VFORK|unix.CLONE_CLEAR_SIGHAND, "").As("holder")
	s.Child = plan.Helper
	l.host(why, s)
	helper := func(why string, s plan.Step) { l.add(plan.Helper, why, s) }
	calls(helper)
	if !stays {
		helper("die when the host's process dies", call.PrctlPdeathsig())
		helper("parent alive? EPIPE if it died before prctl", call.Write(plan.ReportWrite, "."))
	}
	helper("keep no file of the caller open", call.CloseRange(0, unix.CLOSE_RANGE_CLOEXEC))
	leave := call.Execveat(plan.LastSteps, []string{"minictr-holder"})
	leave.Child = plan.Trampoline
	helper("execute a program of a few hundred bytes", leave)
	l.add(plan.Trampoline, "wait to be killed", call.Pause())
	l.plan.StartError = plan.ReportWrite
}
