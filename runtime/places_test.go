package runtime

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Places: for mounts, for devices, and of what is hidden.

// TestPlaces: a file on a file, places that are not there, and paths that do not
// begin with a slash.
func TestPlaces(t *testing.T) {
	b := newBundle(t, oci(t))
	b.folder(t, "src")
	b.mount("relative/place", "bind", "src", "bind")
	b.mount("/a/new/file", "none", "src/file", "bind")
	b.mount("dev", "tmpfs", "tmpfs")
	want(t, b.run(t, "cat /relative/place/file /a/new/file; echo dropped > /dev/null; ls -d /dev/zero /dev/full "+
		"/dev/random /dev/urandom /dev/tty"),
		"text\ntext\n/dev/full\n/dev/random\n/dev/tty\n/dev/urandom\n/dev/zero")
	b.mount("/x", "bind", "missing", "bind")
	if out := b.run(t, "true"); !strings.Contains(out, "hint: create the source: mkdir -p ") ||
		!strings.Contains(out, filepath.Join(b.dir, "missing")) {
		t.Errorf("a source that is not there: %s", out)
	}
}

// TestBareConfig: no mounts at all, no folder for devices even.
func TestBareConfig(t *testing.T) {
	b := newBundle(t, oci(t))
	b.spec.Mounts = nil
	try(t, os.Remove(filepath.Join(b.root, "proc")))
	want(t, b.run(t, "echo dropped > /dev/null && ls /dev"),
		"fd\nfull\nnull\nptmx\nrandom\nstderr\nstdin\nstdout\ntty\nurandom\nzero")
}

// TestReadonlyDev: the devices are made before it becomes read-only.
func TestReadonlyDev(t *testing.T) {
	program := oci(t)
	b := newBundle(t, program)
	b.mount("/dev", "tmpfs", "tmpfs", "ro", "nosuid")
	b.mount("/dev/pts", "devpts", "devpts", "newinstance", "ptmxmode=0666")
	want(t, b.run(t, "echo > /dev/null && touch /dev/new 2>&1; ls /dev/pts"),
		"touch: /dev/new: Read-only file system\nptmx")
}

// hidden are paths of every kind, each below another that is hidden as well.
var hidden = []string{"/dir", "/file", "/dir/sub", "/dir/file", "/dir/sub/file", "/file/none", "/none", "/block",
	"/char", "/fifo", "/link"}

func (b *bundle) makeHidden(t *testing.T) {
	t.Helper()
	try(t, os.MkdirAll(filepath.Join(b.root, "dir/sub"), 0o777))
	for _, name := range []string{"file", "dir/file", "dir/sub/file", "target"} {
		try(t, os.WriteFile(filepath.Join(b.root, name), []byte("secret"), 0o666))
	}
	for name, mode := range map[string]uint32{"block": unix.S_IFBLK, "char": unix.S_IFCHR, "fifo": unix.S_IFIFO} {
		try(t, unix.Mknod(filepath.Join(b.root, name), mode|0o666, 0))
	}
	try(t, os.Symlink("target", filepath.Join(b.root, "link")))
}

func TestMaskedPaths(t *testing.T) {
	b := newBundle(t, oci(t))
	b.makeHidden(t)
	b.spec.Linux.MaskedPaths = hidden
	want(t, b.run(t, "ls /dir; cat /file /target; stat -c '%n %F' /block /char /fifo; touch /dir/new 2>/dev/null || "+
		"echo read-only"),
		"/block character special file\n/char character special file\n/fifo character special file\nread-only")
}

func TestReadonlyPaths(t *testing.T) {
	b := newBundle(t, oci(t))
	b.makeHidden(t)
	b.spec.Linux.ReadonlyPaths = hidden
	want(t, b.run(t, "for f in /dir/new /dir/sub/new /file /dir/file /dir/sub/file /target /new; do echo x "+
		"2>/dev/null >> $f && echo $f; done 2>/dev/null; cat /file; stat -c '%n %F' /block /char /fifo"),
		"/new\nsecret/block block special file\n/char character special file\n/fifo fifo")
}

// TestDevices: anywhere in the root, with mode and owner; in a user namespace those
// are the host's, whose nodes are lent.
func TestDevices(t *testing.T) {
	program := oci(t)
	mode, uid, gid := os.FileMode(0o640), uint32(3), uint32(4)
	devices := []specs.LinuxDevice{
		{Path: "/dev/deep/down/full", Type: "u", Major: 1, Minor: 7, FileMode: &mode, UID: &uid, GID: &gid},
		{Path: "/srv/new/disk", Type: "b", Major: 8, Minor: 666},
		{Path: "/dev/pipe", Type: "p", Major: 8, Minor: 666, FileMode: &mode},
		{Path: "/dev/ptmx", Type: "c", Major: 5, Minor: 2},
	}
	b := newBundle(t, program)
	b.spec.Linux.Devices = devices
	want(t, b.run(t, "stat -c '%n %F %t:%T %a %u:%g' /dev/deep/down/full /srv/new/disk /dev/pipe; ls -l /dev/ptmx | "+
		"grep -o -- '->.*'"),
		"/dev/deep/down/full character special file 1:7 640 3:4\n/srv/new/disk block special file 8:29a 666 "+
			"0:0\n/dev/pipe fifo 0:0 640 0:0\n-> pts/ptmx")

	b = newBundle(t, program)
	b.mapped(t, 100000)
	b.mount("/dev", "tmpfs", "tmpfs", "mode=755")
	devices[0].Path = "/dev/full"
	b.spec.Linux.Devices = []specs.LinuxDevice{devices[0], devices[2]}
	want(t, b.run(t, "stat -c '%n %F %t:%T %a' /dev/full /dev/pipe; echo dropped > /dev/null; echo x 2>&1 > /dev/full"),
		"/dev/full character special file 1:7 666\n/dev/pipe fifo 0:0 640\nsh: write error: No space left on device")
}
