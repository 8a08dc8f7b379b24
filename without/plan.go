package without

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// Plan returns a function that leaves parts out of a plan, and puts the outer host in front of the
// process of the container. It is nil for no parts. copied is the directory that has a copy of the
// image's files, for a container without overlayfs.
func Plan(parts []string, copied string) func(*plan.Plan) error {
	if len(parts) == 0 {
		return nil
	}
	return func(p *plan.Plan) error {
		e := &editor{Set: parts, copied: copied, cgroup: p.Cgroup != ""}
		return e.edit(p)
	}
}

// CopiesImage reports whether the container has a copy of its image's files: there is no overlayfs.
func CopiesImage(parts []string) bool { return Set(parts).has(overlay) }

// Root returns where the root of a container without parts is mounted, in the mount namespace of
// its process.
func Root(parts []string) string {
	if set := Set(parts); set.has(mountNS) || set.has(pivot) {
		return jail
	}
	return "/"
}

// editor writes the steps of a plan anew. It recognizes a step by its part and its call.
type editor struct {
	Set
	copied  string
	cgroup  bool // the plan makes one
	steps   []plan.Step
	made    bool // there are steps that make the outer host
	entered bool // and steps that enter it, before the container's process is made
}

func (e *editor) edit(p *plan.Plan) error {
	changes := []func(*plan.Step) (gone bool){
		e.enter, e.changeRoot, e.changePivot, e.changeDev, e.changeTrampoline, e.changeEnd,
	}
	madeAt := p.MadeAt
	for i, s := range p.Steps {
		if s.Part == "clone" && !e.made {
			if err := e.makeOuter(); err != nil {
				return err
			}
		}
		if i == madeAt {
			p.MadeAt = len(e.steps)
		}
		if !slices.ContainsFunc(changes, func(change func(*plan.Step) bool) bool { return change(&s) }) {
			e.steps = append(e.steps, s)
		}
	}
	if !e.entered {
		return errors.New("--without: the plan has no step that enters the outer host")
	}
	if p.Steps = e.steps; e.has(trampoline) {
		p.Steps[len(p.Steps)-1].Accept = nil // of execve in the directories of PATH: no other follows
	}
	return nil
}

// put adds a step in the place of another, like.
func (e *editor) put(like *plan.Step, part, why string, s plan.Step) {
	s.Side, s.Part, s.From, s.Why = like.Side, like.Part, strings.TrimSpace("--without "+part), why
	e.steps = append(e.steps, s)
}

// makeOuter adds the steps of the outer host.
func (e *editor) makeOuter() error {
	e.made = true
	program, err := programSteps()
	if err != nil {
		return err
	}
	cgroupFd := plan.Ref("")
	if e.cgroup && e.has(cgroup) {
		cgroupFd = "cgroup"
	}
	e.steps = slices.Concat(e.steps, viewSteps(), program)
	if e.has(dev) {
		l := &list{side: plan.Host, part: "outer", from: "--without " + dev}
		l.add("null(4), for streams that are not connected", call.Openat("", "/dev/null", unix.O_RDWR).As("nowhere"))
		e.steps = append(e.steps, l.steps...)
	}
	e.steps = append(e.steps, e.outerSteps(cgroupFd)...)
	return nil
}

// The functions below add what comes instead of a step, and report whether the step goes.

// enter makes the container's process enter the outer host.
func (e *editor) enter(s *plan.Step) bool {
	switch {
	case s.Side != plan.Intermediate:
		return false
	case s.Name == "clone3" && s.Child == plan.Container:
		e.entered = slices.ContainsFunc(e.steps, isEntry)
		e.steps = append(e.steps, *s)
		e.put(s, "", "the container's process is made", call.ExitGroup(0))
		return true
	case s.Name != "setns":
		return false
	}
	// A process that makes a pid namespace cannot be about to enter another one (clone(2)).
	namespaces := uint64(outerNamespaces | unix.CLONE_NEWUSER)
	if !e.has(pidNS) {
		namespaces &^= unix.CLONE_NEWPID
	}
	s.Args, s.Why = call.Setns(outer, namespaces).Args, "enter the outer host: what the container inherits is of it"
	e.put(s, "", "no descriptor of this computer stays open at execve", call.CloseRange(3, unix.CLOSE_RANGE_CLOEXEC))
	return false
}

// isEntry reports whether a step enters the user namespace of the outer host.
func isEntry(s plan.Step) bool {
	return s.Name == "setns" && s.Side == plan.Intermediate && s.Args[0] == plan.Arg(outer)
}

// changeRoot makes a copy of the image's files the root, instead of an overlay.
func (e *editor) changeRoot(s *plan.Step) bool {
	if !e.has(overlay) || s.Part != "root" {
		return false
	}
	switch {
	case s.Name == "fsmount":
		e.put(s, overlay, "a copy of the image's files, as a detached mount",
			call.OpenTree("", e.copied, false).As(plan.Root))
		return true
	case s.From == "linux.uidMappings", s.From == "linux.gidMappings":
		return false
	}
	return true
}

// changePivot makes the root of the container a directory of the outer host.
func (e *editor) changePivot(s *plan.Step) bool {
	if s.Part != "pivot" {
		return false
	}
	switch {
	case s.Name == "prctl" && e.has(dumpable):
		e.put(s, dumpable, lookInto, call.PrctlDumpable())
		return true
	case s.Name == "mount_setattr" && e.has(private):
		e.put(s, private, "make the root alone private, which pivot_root requires; all other mounts stay shared",
			call.MountSetattr("", "/", false, call.MountAttr{Propagation: unix.MS_PRIVATE}))
		return true
	case s.Name == "fchdir" && e.has(mountNS):
		e.put(s, mountNS, "attach the root in the mount namespace of the outer host", call.MoveMountTo(plan.Root, jail))
	case s.Name == "move_mount" && e.has(pivot):
		e.put(s, pivot, "attach the root at a directory of the outer host", call.MoveMountTo(plan.Root, jail))
		return true
	case s.Name == "pivot_root" && e.has(pivot):
		e.put(s, pivot, "make it the root of this process; that of the outer host stays above it", call.Chroot("."))
		return true
	case s.Name == "umount2" && e.has(pivot):
		return true
	}
	return false
}

// changeDev leaves /dev as the image has it. Files are masked by an empty file instead of
// /dev/null.
func (e *editor) changeDev(s *plan.Step) bool {
	const null, fs, dir = plan.Ref("null"), plan.Ref("fs"), plan.Ref("dir")
	if !e.has(dev) || s.Part != "dev" {
		return false
	}
	if s.Result == string(null) {
		e.put(s, dev, "there is no /dev/null: a filesystem for an empty file", call.Fsopen("tmpfs").As(fs))
		e.put(s, dev, "create the filesystem", call.Fscreate(fs))
		e.put(s, dev, "a detached mount of it", call.Fsmount(fs, unix.MOUNT_ATTR_NOEXEC).As(dir))
		e.put(s, dev, "an empty file", call.MakeFile(dir, "null", 0o444))
		e.put(s, dev, "files are masked with it", call.Openat(dir, "null", unix.O_PATH).As(null))
	}
	return s.Name != "dup3"
}

// changeTrampoline makes the child make the last calls itself.
func (e *editor) changeTrampoline(s *plan.Step) bool {
	if !e.has(trampoline) {
		return false
	}
	if s.Side == plan.Trampoline {
		s.Side = plan.Container
		return false
	}
	// the file, its execution, and the pipe that is kept open for it
	return s.Part == "trampoline" || s.Part == "exec" && (s.Name == "execveat" || s.Name == "fcntl")
}

// changeEnd keeps a descriptor open, and the process dumpable.
func (e *editor) changeEnd(s *plan.Step) bool {
	switch {
	case s.Part == "session" && s.Name == "umask" && e.has(closeRange):
		e.put(s, closeRange, "a descriptor of the outer host's root, which is forgotten later",
			call.Openat("", "/", unix.O_PATH|unix.O_DIRECTORY).As("leak"))
		e.put(s, closeRange, fmt.Sprintf("the same as number %d, without FD_CLOEXEC", forgotten),
			call.DupFrom("leak", forgotten))
	case s.Part == "exec" && s.Name == "close_range" && e.has(closeRange):
		return true
	case s.Part == "clone" && s.Name == "prctl" && e.has(dumpable):
		return true
	}
	return false
}

const lookInto = "changing the user has cleared it: let other processes look into this one"

// forgotten is the number of the descriptor that stays open without close_range.
const forgotten = 100
