package runtime

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Attributes of mounts and options of filesystems, seen from inside.

// TestAttributes: each word is seen in mountinfo, for a filesystem, for a bind
// mount, and for the mounts below that where the word has an r.
func TestAttributes(t *testing.T) {
	program := oci(t)
	for _, test := range []struct{ options, fs, bind, below string }{
		{"", "rw,relatime", "rw,relatime", "rw,relatime"},
		{"ro", "ro,relatime", "ro,relatime", "rw,relatime"},
		{"rro", "ro,relatime", "ro,relatime", "ro,relatime"},
		{"rro,rw", "rw,relatime", "rw,relatime", "ro,relatime"},
		{"nosuid,nodev,noexec", "rw,nosuid,nodev,noexec,relatime", "rw,nosuid,nodev,noexec,relatime", "rw,relatime"},
		{"rnosuid,rnodev,rnoexec", "rw,nosuid,nodev,noexec,relatime", "rw,nosuid,nodev,noexec,relatime",
			"rw,nosuid,nodev,noexec,relatime"},
		{"noatime,nodiratime", "rw,noatime,nodiratime", "rw,noatime,nodiratime", "rw,relatime"},
		{"noatime,relatime", "rw,relatime", "rw,relatime", "rw,relatime"},
		{"strictatime", "rw", "rw", "rw,relatime"},
		{"rstrictatime", "rw", "rw", "rw"},
		{"nosymfollow", "rw,relatime,nosymfollow", "rw,relatime,nosymfollow", "rw,relatime"},
	} {
		t.Run(test.options, func(t *testing.T) {
			b := newBundle(t, program)
			options := strings.Split(test.options, ",")
			if test.options == "" {
				options = nil
			}
			b.mount("/fs", "tmpfs", "tmpfs", options...)
			b.mount("/bind", "none", b.folder(t, "src"), append(options, "rbind")...)
			want(t, b.run(t, see+"see /fs; see /bind; see /bind/below"),
				strings.Join([]string{test.fs + " -", test.bind + " -", test.below + " -"}, "\n"))
		})
	}
}

// TestReadonlyIsProved: not by mountinfo, but by a write that fails.
func TestReadonlyIsProved(t *testing.T) {
	b := newBundle(t, oci(t))
	src := b.folder(t, "src")
	b.mount("/top", "bind", src, "rbind", "ro")
	b.mount("/all", "bind", src, "rbind", "rro")
	b.mount("/tmp", "tmpfs", "tmpfs", "ro")
	b.mount("/tmp/place", "tmpfs", "tmpfs")
	b.spec.Root.Readonly = true
	want(t, b.run(t, "for f in /new /top/new /top/below/new /all/new /all/below/new /tmp/new /tmp/place/new; do "+
		"touch $f 2>/dev/null && echo $f; done"),
		"/top/below/new\n/tmp/place/new")
}

// TestExplicitWordsAct: what the source forbids is allowed by the word for it, and
// by no other.
func TestExplicitWordsAct(t *testing.T) {
	b := newBundle(t, oci(t))
	src := filepath.Join(b.dir, "src")
	try(t, os.Mkdir(src, 0o755))
	try(t, unix.Mount("tmpfs", src, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NOATIME, ""))
	try(t, unix.Mount("", src, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NOATIME, ""))
	b.mount("/as", "bind", src, "bind", "nodev")
	b.mount("/is", "bind", src, "bind", "rw", "suid", "atime")
	want(t, b.run(t, see+"see /as; see /is"), "ro,nosuid,nodev,noatime -\nrw,relatime -")
}

// TestTmpfsMode: without a mode a tmpfs is as open as the folder that it covers.
func TestTmpfsMode(t *testing.T) {
	b := newBundle(t, oci(t))
	closed := filepath.Join(b.dir, "rootfs", "closed")
	try(t, os.Mkdir(closed, 0o700))
	b.mount("/closed", "tmpfs", "tmpfs")
	b.mount("/new", "tmpfs", "tmpfs")
	b.mount("/said", "tmpfs", "tmpfs", "mode=711")
	want(t, b.run(t, "stat -c %a /closed /new /said"), "700\n1777\n711")
}

// TestRemount changes what an earlier mount has put there, and nothing else.
func TestRemount(t *testing.T) {
	b := newBundle(t, oci(t))
	b.mount("/bind", "none", b.folder(t, "src"), "bind", "nosuid")
	b.mount("/bind", "none", "", "remount", "bind", "ro")
	b.mount("/tmp", "tmpfs", "tmpfs", "nosuid")
	b.mount("/tmp", "tmpfs", "tmpfs", "remount", "noexec", "size=8k")
	want(t, b.run(t, see+"see /bind; see /tmp; cat /bin/busybox 2>&1 > /tmp/big || echo full"),
		"ro,nosuid,relatime -\nrw,nosuid,noexec,relatime -\ncat: write error: No space left on device\nfull")
	b.spec.Mounts = b.spec.Mounts[:1]
	b.mount("/etc", "none", "", "remount", "bind", "ro")
	if out := b.run(t, "true"); !strings.Contains(out, "hint: remount changes a mount that") {
		t.Errorf("a remount of what is no mount: %s", out)
	}
}

// TestSuperblockOptions: of a filesystem, the kernel's own words.
func TestSuperblockOptions(t *testing.T) {
	b := newBundle(t, oci(t))
	b.mount("/fs", "tmpfs", "tmpfs", "sync", "dirsync", "lazytime", "mand", "silent", "iversion", "size=64k")
	b.mount("/back", "tmpfs", "tmpfs", "sync", "lazytime", "async", "nolazytime", "nomand", "loud", "noiversion",
		"size=64k")
	want(t, strings.ReplaceAll(b.run(t, "grep -E ' /(fs|back) ' /proc/self/mountinfo | cut -d' ' -f10"), ",inode64",
		""), "rw,sync,dirsync,mand,lazytime,size=64k\nrw,size=64k")
}
