package without

// The outer host is made by three processes beside minictr's own:
//
//	intermediate  enters the user namespace, makes the other namespaces, and in them the next
//	              two, as children of minictr. Then it exits.
//	init          process 1 of the pid namespace: when it dies, the kernel kills all others
//	              there, and it dies when minictr does. It attaches the mounts, and executes a
//	              program that does nothing.
//	minictr       if the pid namespace is left out: process 2, which is still minictr, as one is
//	              while another container starts. It stops.
//
// The container's process enters all these namespaces, and then gets those of its own.
//
// The init makes what the host of a real container has, for a container without a part to
// reach: a host name, a service that listens on a socket, a segment of shared memory, mounts
// that are shared.

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/table"
	"golang.org/x/sys/unix"
)

// Names of results.
const (
	userns  = plan.Ref("userns")     // of package compile: has the mappings of the config
	scratch = plan.Ref("scratch")    // a tmpfs: changes of the outer host
	changes = plan.Ref("changes")    // directories in it
	work    = plan.Ref("work")       //
	files   = plan.Ref("files")      // the root of the computer
	view    = plan.Ref("view")       // the root of the outer host
	outerFs = plan.Ref("outer-fs")   // a filesystem that is being configured
	program = plan.Ref("outer-host") // the program of its init
	outer   = plan.Ref("outer")      // a pidfd of its init
)

// What the outer host has.
const (
	hostName    = "outer-host"
	serviceName = "host-service"
	segmentKey  = 4242
	segmentSize = 4096
	jail        = "/container" // the directory that a container without pivot_root has as root
)

// list is steps while they are written.
type list struct {
	side  plan.Side
	part  string
	from  string
	steps []plan.Step
}

func (l *list) add(why string, s plan.Step) {
	s.Side, s.Part, s.From, s.Why = l.side, l.part, l.from, why
	l.steps = append(l.steps, s)
}

// viewSteps makes the root directory of the outer host, as a detached mount.
func viewSteps() []plan.Step {
	l := &list{side: plan.Host, part: "outer", from: "--without"}
	// the upper directory, and mount points
	l.add("a part is left out: the container is made on an outer host; a tmpfs takes what changes there",
		call.Fsopen("tmpfs").As(outerFs))
	l.add("its size: changes are in memory", call.Fsconfig(outerFs, "size", "64m"))
	l.add("create the filesystem", call.Fscreate(outerFs))
	l.add("a detached mount of it", call.Fsmount(outerFs, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV).As(scratch))
	for _, dir := range []string{"changes", "work", "changes/proc", "changes/sys", "changes/dev", "changes" + jail} {
		l.add("make a directory", call.Mkdirat(scratch, dir, 0o755))
	}
	l.add("/ belongs to root of the outer host", call.Fchownat(scratch, "changes", firstID, firstID))
	l.add("open the upper directory", call.Openat(scratch, "changes", unix.O_PATH|unix.O_DIRECTORY).As(changes))
	l.add("open the work directory", call.Openat(scratch, "work", unix.O_PATH|unix.O_DIRECTORY).As(work))

	// the lower directory
	l.add("the files of this computer, without other filesystems in them, as a detached mount",
		call.OpenTree("", "/", false).As(files))
	l.add("show them with the owners of the outer host; if that is not possible, they belong to nobody",
		call.MountSetattr(files, "", false, call.MountAttr{Set: unix.MOUNT_ATTR_IDMAP, Userns: userns}).
			Allow(unix.EINVAL, unix.EPERM))

	// the overlay
	l.add("create an overlay filesystem", call.Fsopen("overlay").As(outerFs))
	l.add("the files of this computer: only read", call.FsconfigFd(outerFs, "lowerdir+", files).
		Hint(0, noView))
	l.add("the directory that takes changes, in memory", call.FsconfigFd(outerFs, "upperdir", changes))
	l.add("a directory that overlayfs needs", call.FsconfigFd(outerFs, "workdir", work))
	l.add("create the filesystem", call.Fscreate(outerFs).Hint(0, noView))
	l.add("a detached mount of it: the root of the outer host",
		call.Fsmount(outerFs, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV).As(view))
	return l.steps
}

const noView = "use Linux 6.15, and a computer whose root is no overlay of overlays"

// programSteps makes the program of the init.
func programSteps() ([]plan.Step, error) {
	t := table.NewList(1)
	t.Add("pause", table.Line{Number: unix.SYS_PPOLL, Args: []uint64{0, 0, 0, 0, 0}},
		table.Follow{Then: "pause", Zero: "pause", Else: "pause"})
	if err := t.End(); err != nil {
		return nil, err
	}
	l := &list{side: plan.Host, part: "outer", from: "--without"}
	l.add("a file in memory, for the init of the outer host", call.MemfdCreate(hostName, true).As(program))
	l.add("write a program that does nothing", call.WriteFile(program, t.File()))
	return l.steps, nil
}

// outerNamespaces are those of the outer host beside its user namespace. The names of cgroups
// may be seen: its root owns none.
const outerNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS |
	unix.CLONE_NEWIPC

// outerSteps makes the outer host, @outer. A container without a cgroup is in that of the outer
// host: cgroup.
func (s Set) outerSteps(cgroup plan.Ref) []plan.Step {
	host := &list{side: plan.Host, part: "outer", from: "--without"}
	maker := call.Clone3(unix.CLONE_CLEAR_SIGHAND, cgroup).As("maker")
	maker.Child = plan.Intermediate
	host.add("a process that makes the outer host", maker)

	// the process
	l := &list{side: plan.Intermediate, part: host.part, from: host.from}
	l.add("close the host's end of the report pipe", call.Close(plan.ReportRead))
	l.add("no descriptor of this computer stays open at execve", call.CloseRange(3, unix.CLOSE_RANGE_CLOEXEC))
	l.add("a user namespace whose root has no rights on this computer", call.Setns(userns, unix.CLONE_NEWUSER))
	l.add("the other namespaces of the outer host: they belong to its root", call.Unshare(outerNamespaces))
	init := call.CloneSibling(unix.CLONE_VFORK | unix.CLONE_CLEAR_SIGHAND).As("init")
	init.Child = plan.Helper
	l.add("the init of the outer host, process 1; wait until it has executed its program", init)
	l.steps = append(l.steps, initSteps()...)
	if s.has(pidNS) {
		minictr := call.CloneSibling(unix.CLONE_CLEAR_SIGHAND).As("minictr")
		minictr.Child = plan.Helper
		l.add("process 2: it is still minictr, like one that starts another container", minictr)
		l.steps = append(l.steps, s.minictrSteps()...)
	}
	l.add("the outer host is made", call.ExitGroup(0))

	// its end
	host.steps = append(host.steps, l.steps...)
	host.add("wait until the process has exited", call.Wait4("maker"))
	if s.has(pidNS) {
		host.add("wait until process 2 has stopped", call.Wait4Stopped("minictr"))
	}
	host.add("a descriptor of the outer host's init: a pid could be reused", call.PidfdOpen("init").As(outer))
	return host.steps
}

// initSteps are those of the init of the outer host.
func initSteps() []plan.Step {
	l := &list{side: plan.Helper, part: "outer", from: "--without"}
	becomeRoot(l)

	// its mounts
	const procfs, sysfs, devices, shm = plan.Ref("procfs"), plan.Ref("sysfs"), plan.Ref("devices"), plan.Ref("shm")
	const attributes = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	l.add("make all mounts private: none is propagated to this computer",
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}))
	for _, fs := range []struct {
		kind  string
		mount plan.Ref
		why   string
	}{
		{"proc", procfs, "procfs of the outer host's processes"},
		{"sysfs", sysfs, "sysfs of its network links"},
		{"tmpfs", devices, "an empty /dev: no device of this computer"},
		{"tmpfs", shm, "shared memory"},
	} {
		l.add(fs.why, call.Fsopen(fs.kind).As(outerFs))
		if fs.kind == "tmpfs" {
			l.add("its size", call.Fsconfig(outerFs, "size", "1m"))
		}
		l.add("create the filesystem", call.Fscreate(outerFs))
		l.add("a detached mount of it", call.Fsmount(outerFs, attributes).As(fs.mount))
	}
	l.add("attach the root of the outer host", call.MoveMountTo(view, "/"))
	l.add("change to it", call.Fchdir(view))
	l.add("make it /; the root of this computer is mounted over it", call.PivotRoot(".", "."))
	l.add("detach the root of this computer: no path leads there now", call.Umount2(".", unix.MNT_DETACH))
	l.add("attach procfs", call.MoveMountTo(procfs, "/proc"))
	l.add("attach sysfs", call.MoveMountTo(sysfs, "/sys"))
	l.add("attach /dev", call.MoveMountTo(devices, "/dev"))
	l.add("make a directory", call.Mkdirat("", "/dev/shm", 0o755))
	l.add("attach the shared memory", call.MoveMountTo(shm, "/dev/shm"))
	l.add("make all mounts shared, as systemd does on a host: new mount namespaces get them so",
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_SHARED}))

	// what else a host has
	l.add("its host name", call.Sethostname(hostName))
	l.add("a segment of shared memory", call.Shmget(segmentKey, segmentSize))
	l.add("no descriptor stays open at execve", call.CloseRange(0, unix.CLOSE_RANGE_CLOEXEC))
	l.add("a service of the outer host: a socket", call.UnixSocket().As("service"))
	l.add("its name, which is in no directory", call.BindAbstract("service", serviceName))
	l.add("accept connections", call.Listen("service"))

	// its end
	l.add("leave no zombies of what the container leaves", call.IgnoreSignal(unix.SIGCHLD))
	l.add("die when minictr dies, and with it all of the outer host", call.PrctlPdeathsig())
	l.add("parent alive? EPIPE if it died before prctl", call.Write(plan.ReportWrite, string(plan.Alive)))
	l.add("do nothing, in a program that has nothing of minictr", call.Execveat(program, []string{hostName}))
	return l.steps
}

// minictrSteps are those of the process that is still minictr.
func (s Set) minictrSteps() []plan.Step {
	l := &list{side: plan.Helper, part: "outer", from: "--without"}
	l.add("leave the working directory, which is one of this computer", call.Chdir("/"))
	becomeRoot(l)
	l.add("drop the capabilities, as before the last calls of a start", call.Capset(0, 0, 0))
	if s.has(dumpable) {
		l.from = "--without " + dumpable
		l.add(lookInto, call.PrctlDumpable())
		l.from = "--without"
	}
	l.add("close all descriptors", call.CloseRange(0, 0))
	l.add("a session and a process group of its own", call.Setsid())
	l.add("stop until the outer host ends", call.KillGroup(unix.SIGSTOP))
	return l.steps
}

// becomeRoot changes to root of the outer host.
func becomeRoot(l *list) {
	l.add("drop the groups of the computer's user", call.Setgroups(nil))
	l.add("become group 0 of the outer host", call.Setresgid(0))
	l.add("become user 0 of the outer host", call.Setresuid(0))
}
