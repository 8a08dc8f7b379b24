package compile

import "golang.org/x/sys/unix"

// Options is what the config does not say: things of the host that the calls
// need, and what the caller wants of the container's process.
type Options struct {
	// Root is where the root filesystem comes from; without it the folder
	// root.path of the config is used.
	Root *Overlay
	// Cgroup2 is where the host has mounted the cgroup2 filesystem.
	Cgroup2 string
	// Count is the controllers that the container's cgroup is to have if it can,
	// though no limit needs them: they count what it uses.
	Count []string
	// Reserved is the memory, in bytes, that is kept for the cgroups beside the
	// container's; the one above, which is theirs alone, gets the sum. nil leaves
	// that one as it is.
	Reserved *int64
	// Arch is the machine's architecture in Go's words; "" is this one's.
	Arch string
	// Stdio names the standard streams (0, 1, 2) for which the caller gives a
	// descriptor called "stdin", "stdout" or "stderr" to package walk. The
	// others are the caller's own. With process.terminal all three are the
	// container's new terminal.
	Stdio [3]bool
	// Null names those that are to lead nowhere: they become the container's own
	// /dev/null.
	Null [3]bool
	// OpenFiles is the limit of open files that the process inherits, where
	// the caller's own is another one. The zero value leaves it alone.
	OpenFiles unix.Rlimit
	// Permitted is the capabilities that the caller has got to give, a bit for each;
	// 0 is all.
	Permitted uint64
	// NetDevices are those of linux.netDevices, by their names on the host.
	NetDevices map[string]NetDevice
	// Outlive is true for a process that lives on when its parent dies. It waits
	// until the parent has written down that it exists (Save).
	Outlive bool
	// Held is true for a process that joins a container whose own processes stand
	// still until it has left our program: it waits for that, too (Save).
	Held bool
	// Wait is true for a container that is created and not yet started: it
	// waits for a byte from Start, and says what failed to Verdict.
	Wait bool
	// PreserveFds is how many descriptors from number 3 on the program inherits.
	PreserveFds int
	// Join is the container that a further process is started in (Exec, Hook).
	Join *Running
	// Program is the file to execute, where it is not the first argument's.
	Program string
	// NoPivot changes the root by chroot(2), which root can leave: for a host
	// that runs from its initramfs, where there is no pivot_root(2).
	NoPivot bool
	// KeepKeyring leaves the process the caller's session keyring.
	KeepKeyring bool
}

const ()

// Names of descriptors that package walk is given, and of results that its
// caller asks for.
const ()

// Overlay is a stack of layers.
type Overlay struct {
	// Dir is the folder that relative names in Lower start from. An option of
	// fsconfig(2) holds 255 bytes, too few for the absolute paths of many
	// layers; from there their short names do.
	Dir string
	// Lower are the layers, the topmost first.
	Lower []string
	// Changes is a folder, named as from Dir, with two others: "upper" takes
	// what the container changes, "work" is overlayfs's workbench.
	Changes string
	// Volatile leaves out syncing: right where the upper folder is thrown
	// away with the container.
	Volatile bool
}

// The directories in Overlay.Changes.
const (
	upper = "upper"
	work  = "work"
)

// Running is a container that Exec puts another process into.
type Running struct {
	Pid    int    // of its first process, as the host counts
	Cgroup string // the folder of the cgroup to be in, "" for the caller's
	Early  bool   // it has not left the host's root yet
}

// NetDevice is what the host knows of a device that is to be given away.
type NetDevice struct {
	Index     int
	Addresses []NetAddress // those that are permanent and of global scope
}

// NetAddress is the body of a message about an address, but for the device.
type NetAddress struct {
	Family, Prefix uint8
	Attributes     []byte // IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST
	Text           string // "10.0.0.1/24"
}
