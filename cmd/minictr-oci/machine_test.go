package main

// A machine for an engine: namespaces, a /run and a cgroup v2 tree of its own, whatever
// this host has. Its first process is tini, which reaps orphans; when the test ends, in
// whatever way, tini is killed, and the kernel removes everything in the machine.
//
// Programs enter with nsenter(1). They and the daemons are in the cgroup "engine", so
// that the root of the tree has no process and can enable controllers; the cgroups
// beside it are the containers'.

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// boot sets up the machine from inside, and prints "up" when it is ready.
const boot = `
set -e
mount --make-rprivate /
mount -t proc proc /proc
umount --lazy /sys
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/engine
echo $$ >/sys/fs/cgroup/engine/cgroup.procs
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs shm /dev/shm
echo up
exec tini -- sleep infinity`

type machine struct {
	t     *testing.T
	init  *exec.Cmd
	dir   string // on disk: stores, settings, and the wrappers in dir/bin
	group string // its cgroup, on the host
	oci   string // the runtime that is tested
}

// newMachine boots a machine in which these programs are installed.
func newMachine(t *testing.T, programs ...string) *machine {
	t.Helper()
	testkit.NeedRoot(t)
	testkit.NeedTool(t, append(programs, "tini", "nsenter")...)
	m := &machine{t: t, dir: t.TempDir(), group: newGroup(t)}
	for _, dir := range []string{filepath.Dir(m.dir), m.dir} { // so that root of a user namespace can pass
		testkit.Check(t, os.Chmod(dir, 0o755))
	}
	for _, dir := range []string{"bin", "tmp"} {
		testkit.Check(t, os.Mkdir(m.path(dir), 0o755))
	}
	m.boot()
	return m
}

// newGroup makes a cgroup that is removed with the test.
func newGroup(t *testing.T) string {
	t.Helper()
	mount, err := cgroup.Mount()
	testkit.Check(t, err)
	group, err := os.MkdirTemp(mount, "minictr-engine")
	testkit.Check(t, err)
	t.Cleanup(func() {
		if err := cgroup.Remove(group); err != nil {
			t.Error(err)
		}
	})
	return group
}

func (m *machine) boot() {
	m.t.Helper()
	group, err := os.Open(m.group)
	testkit.Check(m.t, err)
	defer group.Close()
	m.init = exec.Command("sh", "-c", boot)
	m.init.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		Unshareflags: unix.CLONE_NEWCGROUP, // it starts in m.group, which so becomes the root
		UseCgroupFD:  true, CgroupFD: int(group.Fd()),
		Pdeathsig: unix.SIGKILL,
	}
	out, err := m.init.StdoutPipe()
	testkit.Check(m.t, err)
	var trouble strings.Builder
	m.init.Stderr = &trouble
	testkit.Check(m.t, m.init.Start())
	m.t.Cleanup(func() {
		m.init.Process.Kill()
		m.init.Wait()
	})
	if up, err := io.ReadAll(io.LimitReader(out, 3)); string(up) != "up\n" {
		m.t.Fatalf("the machine does not come up: %v\n%s", err, trouble.String())
	}
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

func (m *machine) write(name, text string, mode fs.FileMode) (path string) {
	m.t.Helper()
	path = m.path(name)
	testkit.Check(m.t, os.WriteFile(path, []byte(text), mode))
	return path
}

// wrap makes a command of that name, which runs the line, followed by its arguments, in
// the machine.
func (m *machine) wrap(name, line string) (path string) {
	m.t.Helper()
	return m.write("bin/"+name, fmt.Sprintf("#!/bin/sh\necho $$ >%s/engine/cgroup.procs\nexec nsenter --target %d "+
		"--all env TMPDIR=%s HOME=%s PATH=%s:/usr/sbin %s \"$@\"\n",
		m.group, m.init.Process.Pid, m.path("tmp"), m.dir, os.Getenv("PATH"), line), 0o755)
}

// command runs a wrapped command, which must succeed.
func (m *machine) command(name string, args ...string) (output string) {
	m.t.Helper()
	out, err := exec.Command(m.path("bin/"+name), args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// daemon starts a program that runs as long as the machine, and waits until the wrapped
// command succeeds.
func (m *machine) daemon(line string, alive ...string) {
	m.t.Helper()
	log, err := os.Create(m.path("daemon.log"))
	testkit.Check(m.t, err)
	defer log.Close()
	server := exec.Command(m.wrap("daemon", line))
	server.Stdout, server.Stderr = log, log
	testkit.Check(m.t, server.Start())
	m.t.Cleanup(func() { m.init.Process.Kill(); server.Wait() })
	if !testkit.Within(func() bool { return exec.Command(m.path("bin/"+alive[0]), alive[1:]...).Run() == nil }) {
		text, _ := os.ReadFile(log.Name())
		m.t.Fatalf("no answer from %s:\n%s", line, text)
	}
}

// leavesNothing compares the machine now with the end of the test: mounts, cgroups,
// processes and state directories must be the same, except for paths that come and go
// with the engine; "DIR/" is all below DIR.
func (m *machine) leavesNothing(but ...string) {
	m.t.Helper()
	look := func() testkit.Picture {
		seen := m.look()
		maps.DeleteFunc(seen, func(what, _ string) bool {
			return slices.ContainsFunc(but, func(path string) bool {
				return strings.HasSuffix(what, " "+path) || strings.HasSuffix(path, "/") &&
					strings.Contains(what, " "+path)
			})
		})
		return seen
	}
	before := look()
	m.t.Cleanup(func() {
		if m.t.Failed() { // a script that failed leaves containers
			return
		}
		// an engine's process that cleaned up after its first container has ended since
		maps.DeleteFunc(before, func(what, _ string) bool {
			pid, isProcess := strings.CutPrefix(what, "process ")
			_, err := os.Stat("/proc/" + pid)
			return isProcess && err != nil
		})
		before.Same(m.t, look)
	})
}

// look lists what could be left.
func (m *machine) look() testkit.Picture {
	seen := testkit.Picture{}
	inside := fmt.Sprintf("/proc/%d/", m.init.Process.Pid)
	mounts, _ := os.ReadFile(inside + "mountinfo")
	for line := range strings.Lines(string(mounts)) {
		seen["mount on "+strings.Fields(line)[4]] = ""
	}
	walk := func(dir string, visit func(path string)) {
		testkit.WalkDir(dir, func(path string, _ fs.DirEntry) error { visit(path); return nil })
	}
	walk(m.group, func(path string) {
		if filepath.Base(path) != "cgroup.procs" {
			return
		}
		seen["cgroup "+strings.TrimPrefix(filepath.Dir(path), m.group)] = ""
		pids, _ := os.ReadFile(path)
		for _, pid := range strings.Fields(string(pids)) {
			if n, _ := strconv.Atoi(pid); n > 0 {
				command, _ := os.ReadFile("/proc/" + pid + "/cmdline")
				seen["process "+pid] = strings.ReplaceAll(string(command), "\x00", " ")
			}
		}
	})
	for _, dir := range []string{inside + "root/run", inside + "root/dev/shm", m.path("tmp")} {
		walk(dir, func(path string) { seen["state "+strings.TrimPrefix(path, inside+"root")] = "" })
	}
	return seen
}
