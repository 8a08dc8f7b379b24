package compile

import (
	"path"

	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Options is what the config does not say: facts of the host, and what the caller asks
// for the container's process. The zero value of a field asks for nothing.
type Options struct {
	// Root is the stack of layers that becomes the root filesystem; nil for the
	// directory root.path of the config.
	Root *Overlay
	// Cgroup2 is the path where the host has mounted the cgroup2 filesystem, "" for no
	// cgroup.
	Cgroup2 string
	// CallerCgroup is the directory of the caller's cgroup, in which a container without a
	// cgroup stays; "" if none is mounted.
	CallerCgroup string
	// Existing is true if the container's cgroup exists: it is neither made nor removed.
	Existing bool
	// Delegated is the path below Cgroup2 of a cgroup that systemd has made and delegated:
	// that of linux.cgroupsPath, or one above it. "" for none.
	Delegated string
	// Count is the controllers that are to count what the container uses, where they can
	// be enabled.
	Count []string
	// Reserved is the memory, in bytes, that is protected for the cgroups beside the
	// container's. The cgroup above gets the sum; nil leaves that one unchanged.
	Reserved *int64
	// Arch is the architecture of the machine, as GOARCH; "" is this program's.
	Arch string
	// Stdio are the standard streams (0, 1, 2) for which the caller gives package walk a
	// descriptor called "stdin", "stdout" or "stderr". The others are the caller's own.
	// With process.terminal all three are the container's terminal.
	Stdio [3]bool
	// Null are the standard streams that are the container's /dev/null.
	Null [3]bool
	// OwnNull is, for Exec, a null(4) made for the process instead of the container's.
	OwnNull bool
	// Before is what the caller makes for the streams before the plan is carried out (side
	// plan.Caller): the plan begins with it.
	Before []plan.Step
	// OpenFiles is the limit of open files that the process inherits, where the limit of
	// the host's process is another.
	OpenFiles unix.Rlimit
	// Permitted is the capabilities that the caller can grant, a bit for each; 0 is all.
	Permitted uint64
	// CopiedLinks is what the symbolic links point to that mounts with copy-symlink copy, by the
	// index of the mount; "" if the image has the link.
	CopiedLinks map[int]string
	// HostNodes are, for a user namespace, the host's nodes of linux.devices that have
	// another path there.
	HostNodes map[string]string
	// NetDevices are those of linux.netDevices, by their names on the host.
	NetDevices map[string]NetDevice
	// Outlive is true for a process that runs on when its parent exits. It waits until
	// the parent has recorded it (plan.Save).
	Outlive bool
	// Held is true for a process that waits at plan.Save although it does not outlive its
	// parent: the caller has something to do before the program runs.
	Held bool
	// Wait is true for a container that is created and not started: it waits for a byte
	// from plan.Start, and writes the step that failed to plan.StartError.
	Wait bool
	// PreserveFds is the number of descriptors, from 3 on, that the program inherits.
	PreserveFds int
	// Join is the container that a further process is started in (Exec, Hook).
	Join *Running
	// Program is the path of the file to execute; "" for the first argument.
	Program string
	// NoPivot changes the root by chroot(2), which root can leave: for a host that runs
	// from its initramfs, where pivot_root(2) is not possible.
	NoPivot bool
	// HostProcfs is, with NoPivot, where procfs and sysfs are mounted on the host, the last
	// mount first; a path with another mount over them is named once more.
	HostProcfs []string
	// PlainNewlines is true for a terminal whose output is copied to a file or a pipe: what
	// the program writes arrives there as it is, without a carriage return before newlines.
	PlainNewlines bool
	// AskHome is true for a container whose config does not set HOME: it waits until the
	// host has written it into the trampoline (plan.Home).
	AskHome bool
	// Stops makes the container's process stop before each call (plan.Stop).
	Stops bool
	// Edit changes the plan of a new container; nil for none.
	Edit func(*plan.Plan) error
	// KeepKeyring leaves the process the caller's session keyring.
	KeepKeyring bool
}

// Overlay is a stack of layers.
type Overlay struct {
	// Dir is the directory that names in Lower and Changes are relative to. An option of
	// fsconfig(2) has at most 255 bytes, too few for absolute paths of many layers.
	Dir string
	// Lower are the directories of the layers, the topmost first.
	Lower []string
	// Changes is a directory with two others: "upper" takes what the container changes,
	// and "work" belongs to overlayfs.
	Changes string
	// Volatile leaves out syncing to disk: for a container whose changes are removed
	// with it.
	Volatile bool
	// ReadOnly makes what the container has changed one more layer, the topmost: the stack
	// takes no writes.
	ReadOnly bool
}

// lower returns the lower directories of the stack.
func (o *Overlay) lower() []string {
	if o.ReadOnly {
		return append([]string{path.Join(o.Changes, upper)}, o.Lower...)
	}
	return o.Lower
}

// Remountable removes the mark that a volatile mount leaves in the work directory. overlayfs
// refuses to mount the stack again while it is there (kernel, overlayfs.rst, "Volatile
// mount"); a stack that no program has written to has lost nothing.
func (o *Overlay) Remountable() error {
	if o == nil || !o.Volatile {
		return nil
	}
	changes := o.Changes
	if !path.IsAbs(changes) {
		changes = path.Join(o.Dir, changes)
	}
	return owned.RemoveAll(path.Join(changes, work, "work", "incompat"))
}

// The directories in Overlay.Changes.
const (
	upper = "upper"
	work  = "work"
)

// Running is a container that Exec puts another process into.
type Running struct {
	Pid    int    // of its first process, on the host
	Cgroup string // the path of the cgroup to start in, "" for the caller's
	Early  bool   // it has not left the host's root yet
}

// NetDevice is what the host knows of a network device that is moved.
type NetDevice struct {
	Index     int
	Addresses []NetAddress // those that are permanent and of global scope
}

// NetAddress is the body of an rtnetlink(7) message about an address, but for the device.
type NetAddress struct {
	Family, Prefix uint8
	Attributes     []byte // IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST
	Text           string // "10.0.0.1/24"
}

const noUpper = "overlayfs cannot write to the filesystem of the store, as to another overlay in a container: " +
	"name a directory on ext4, xfs, btrfs or tmpfs: minictr --root DIR …"
