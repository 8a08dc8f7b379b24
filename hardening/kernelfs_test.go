package hardening

// Rows 3 to 5: /proc, /sys and /dev of the root are fakes, which lead settings, masks
// and device nodes elsewhere.

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/minictr/minictr/internal/testkit"
)

// TestProcSymlinkRefused: a kernel filesystem is mounted on a real directory or not at
// all, wherever the link leads.
func TestProcSymlinkRefused(t *testing.T) {
	guard(t)
	for _, name := range []string{"proc", "sys", "dev"} {
		for _, target := range []string{canary, "/tmp", "..", "bin", "/proc/self/root", "nowhere"} {
			b := newBundle(t, "true")
			b.replace(t, name, target)
			r := b.run(t)
			r.refused(t, "/"+name, "follow no symbolic link")
			r.untouched(t)
		}
	}
}

// TestProcSymlinkInImageRefused is the same for a root made of layers.
func TestProcSymlinkInImageRefused(t *testing.T) {
	guard(t)
	image := hostile(t, ocispec.ImageConfig{}, link("proc", "/tmp"), link("sys", "/data"))
	run(command("minictr", "run", "--rm", image, "true")).refused(t, "/proc", "too many levels of symbolic links")
}

// TestSysctlReachesNamespaceOnly: a sysctl reaches the kernel, whatever lies on the path
// to /proc/sys, and changes only the container's namespace.
func TestSysctlReachesNamespaceOnly(t *testing.T) {
	guard(t)
	b := newBundle(t, "cat", "/proc/sys/kernel/msgmax")
	b.spec.Linux.Sysctl = map[string]string{"kernel.msgmax": "4242"}
	fake := filepath.Join(b.root, "proc/sys/kernel")
	testkit.Check(t, os.MkdirAll(fake, 0o755))
	testkit.Check(t, os.Symlink(filepath.Join(canary, "file"), filepath.Join(fake, "msgmax")))
	r := b.run(t)
	r.want(t, 0)
	testkit.Equal(t, "kernel.msgmax in the container", r.stdout, "4242\n")
	b.replace(t, "proc", canary)
	b.run(t).refused(t, "/proc")
}

// TestMountThroughLinkIntoProcRefused: nothing is mounted over a file of procfs through
// a link of the image.
func TestMountThroughLinkIntoProcRefused(t *testing.T) {
	guard(t)
	for _, detour := range []string{"/proc", "/proc/1", "/proc/self", "/proc/sys", "../../proc/self/attr"} {
		b := newBundle(t, "true")
		b.replace(t, "detour", detour)
		for _, name := range []string{"/detour", "/detour/attr", "/detour/kernel"} {
			b.spec.Mounts = append(b.spec.Mounts, specs.Mount{Destination: name, Type: "tmpfs", Source: "tmpfs"})
			b.run(t).refused(t, "mounts[7]")
			b.spec.Mounts = b.spec.Mounts[:len(b.spec.Mounts)-1]
		}
	}
}

// TestDanglingLinkIntoKernelPathsRefused: the end of a dangling link is made in the root, but
// not in /proc, /sys or /dev, neither the container's nor the host's that is bound there.
func TestDanglingLinkIntoKernelPathsRefused(t *testing.T) {
	guard(t)
	for _, end := range []string{"/proc/made", "/proc/self/made", "/sys/made", "/dev/made", "../dev/shm/made/x",
		"/dev/../dev/made"} {
		for _, bound := range []bool{false, true} {
			b := newBundle(t, "true")
			b.replace(t, "etc/link", end)
			if bound {
				b.unmount(below("/dev"))
				b.spec.Mounts = append(b.spec.Mounts, specs.Mount{Destination: "/dev", Type: "bind", Source: "/dev",
					Options: []string{"rbind"}})
			}
			b.spec.Mounts = append(b.spec.Mounts, specs.Mount{Destination: "/etc/link", Type: "tmpfs", Source: "tmpfs"})
			r := b.run(t)
			r.untouched(t)
			r.refused(t, "/etc/link")
			if exists("/dev/made") || exists("/dev/shm/made") {
				t.Fatalf("%s: made on the host", end)
			}
		}
	}
}

// TestMountBelowProcRefused: nothing is mounted below /proc but known files.
func TestMountBelowProcRefused(t *testing.T) {
	guard(t)
	for _, place := range []string{"/proc/1", "/proc/1/attr", "/proc/sys", "/proc/sys/kernel"} {
		b := newBundle(t, "true")
		b.spec.Mounts = append(b.spec.Mounts, specs.Mount{Destination: place, Type: "tmpfs", Source: "tmpfs"})
		b.run(t).refused(t, place)
		box(t, "--tmpfs", place, "--", "true").refused(t, place)
	}
	faked := t.TempDir() + "/uptime"
	testkit.Check(t, os.WriteFile(faked, []byte("1 1\n"), 0o644))
	if r := box(t, "-v", faked+":/proc/uptime", "--", "cat", "/proc/uptime"); r.stdout != "1 1\n" {
		t.Errorf("/proc/uptime: %+v", r)
	}
}

// fakes are replacements of /dev/null, which is mounted over masked files and opened for
// standard streams.
var fakes = map[string]func(path string) error{
	"file":               func(path string) error { return os.WriteFile(path, []byte("fake"), 0o666) },
	"directory":          func(path string) error { return os.Mkdir(path, 0o755) },
	"FIFO":               func(path string) error { return unix.Mkfifo(path, 0o666) },
	"link to the host":   func(path string) error { return os.Symlink(filepath.Join(canary, "null"), path) },
	"link inside":        func(path string) error { return os.Symlink("../etc/passwd", path) },
	"link to a device":   func(path string) error { return os.Symlink("zero", path) },
	"link through /proc": func(path string) error { return os.Symlink("/proc/self/fd/3", path) },
	"/dev/zero": func(path string) error {
		return unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5)))
	},
	"/dev/mem": func(path string) error {
		return unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 1)))
	},
	"block device 1:3": func(path string) error {
		return unix.Mknod(path, unix.S_IFBLK|0o666, int(unix.Mkdev(1, 3)))
	},
}

// TestFakeDevNullRefused: the root's own /dev, with no tmpfs over it, has a fake null.
func TestFakeDevNullRefused(t *testing.T) {
	guard(t)
	for what, make := range fakes {
		b := newBundle(t, "true")
		b.unmount(below("/dev"))
		testkit.Check(t, make(filepath.Join(b.root, "dev/null")))
		r := b.run(t, leak(t)...)
		if r.code != 1 || !strings.Contains(r.stderr, "mask") && !strings.Contains(r.stderr, "linux.devices") {
			t.Errorf("%s: exit code %d, want a refusal: %s", what, r.code, r.stderr)
		}
		r.untouched(t)
	}
}

// TestFakeDevNullHiddenByNewDev: with a new /dev the fake is not visible.
func TestFakeDevNullHiddenByNewDev(t *testing.T) {
	guard(t)
	image := hostile(t, ocispec.ImageConfig{}, dir("dev", 0o755), link("dev/null", filepath.Join(canary, "null")),
		link("dev/pts", canary), link("dev/shm", "/etc"))
	r := run(command("minictr", "run", "--rm", image, "sh", "-c",
		"stat -c '%F %t:%T' /dev/null; echo lost > /dev/null; ls /etc; ls -d /dev/pts/ptmx"))
	r.want(t, 0)
	if r.stdout != "character special file 1:3\ngroup\nhostname\nhosts\npasswd\nresolv.conf\n/dev/pts/ptmx\n" {
		t.Errorf("in the container:\n%s", r.stdout)
	}
}

// TestMaskIsNullDevice: a masked file is the null device: it reads as empty, and writes
// to it are discarded.
func TestMaskIsNullDevice(t *testing.T) {
	guard(t)
	r := box(t, "stat", "-c", "%F %t:%T", "/proc/keys")
	if r.want(t, 0); r.stdout != "character special file 1:3\n" {
		t.Errorf("/proc/keys is %s", r.stdout)
	}
}

// TestDevSymlinksMakeNoHostNode: the paths of devices and terminals are links to the
// host or into the root. No node is made at their targets.
func TestDevSymlinksMakeNoHostNode(t *testing.T) {
	guard(t)
	for _, name := range []string{"dev", "dev/pts", "dev/shm", "dev/null", "dev/net"} {
		for _, target := range []string{canary, filepath.Join(canary, "null"), "/tmp"} {
			b := newBundle(t, "true")
			b.unmount(func(m specs.Mount) bool { return m.Destination == "/dev" })
			b.replace(t, name, target)
			b.spec.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/net/tun", Type: "c", Major: 10, Minor: 200}}
			r := b.run(t)
			r.untouched(t)
			if target == "/tmp" && name == "dev/net" {
				continue // a directory in its own root is allowed
			}
			r.refused(t)
			if target == "/tmp" && !strings.Contains(r.stderr, "too many levels of symbolic links") {
				t.Errorf("%s, a link to %s: %s", name, target, r.stderr)
			}
		}
	}
}

// TestDeviceOutsideDevMadeInRoot: a device outside /dev is made in the root, wherever
// links lead, and not over an existing file.
func TestDeviceOutsideDevMadeInRoot(t *testing.T) {
	guard(t)
	for path, made := range map[string]string{
		"/etc/zero":        "etc/zero",
		"/dev/../etc/zero": "etc/zero",
		canary + "/made":   canary + "/made",
		"/absolute/zero":   "tmp/zero",
		"/upwards/zero":    "zero",
		"/zero":            "zero",
	} {
		b := newBundle(t, "stat", "-c", "%F %t:%T", path)
		b.replace(t, "absolute", "/tmp")
		b.replace(t, "upwards", "../../../../../..")
		b.spec.Linux.Devices = []specs.LinuxDevice{{Path: path, Type: "c", Major: 1, Minor: 5}}
		r := b.run(t)
		r.want(t, 0)
		testkit.Equal(t, path, r.stdout, "character special file 1:5\n")
		if info, err := os.Lstat(filepath.Join(b.root, made)); err != nil || info.Mode()&os.ModeCharDevice == 0 {
			t.Errorf("%s: not made at %s of the root: %v", path, made, err)
		}
	}
	for _, path := range []string{"null", "/", "/dev", "/etc", "/door/made", "/door", "/probe", "/proc/made",
		"/sys/made"} {
		b := newBundle(t, "true")
		b.replace(t, "door", "/proc/self/fd/3")
		b.spec.Linux.Devices = []specs.LinuxDevice{{Path: path, Type: "c", Major: 1, Minor: 5}}
		b.run(t, leak(t)...).refused(t, "linux.devices")
	}
}

// TestFakeDefaultDeviceRefused: another file lies at the path of a default device.
func TestFakeDefaultDeviceRefused(t *testing.T) {
	guard(t)
	for what, make := range fakes {
		if what == "/dev/zero" {
			continue // it is the device itself
		}
		b := newBundle(t, "true")
		b.unmount(below("/dev"))
		testkit.Check(t, make(filepath.Join(b.root, "dev/zero")))
		r := b.run(t, leak(t)...)
		r.refused(t, "linux.devices")
		r.untouched(t)
	}
	b := newBundle(t, "stat", "-c", "%F %t:%T", "/dev/zero")
	b.unmount(below("/dev"))
	testkit.Check(t, unix.Mknod(filepath.Join(b.root, "dev/zero"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))))
	if r := b.run(t); r.stdout != "character special file 1:5\n" {
		t.Errorf("a root that has its devices: %+v", r)
	}
}

// TestDeviceThroughProcRefused: a device of the config below a link of /dev to /proc is
// not made on the host.
func TestDeviceThroughProcRefused(t *testing.T) {
	guard(t)
	b := newBundle(t, "true")
	b.unmount(below("/dev"))
	b.spec.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/net/tun", Type: "c", Major: 10, Minor: 200}}
	for n := 3; n < 10; n++ {
		b.replace(t, "dev/net", fmt.Sprintf("/proc/self/fd/%d", n))
		b.run(t, leak(t)...).refused(t)
	}
}
