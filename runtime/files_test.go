package runtime

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Owners of files (idmapped mounts, tmpcopyup), mount targets, devices and masked paths.

// TestIdmap: the host's root owns files as the user that the mapping names.
func TestIdmap(t *testing.T) {
	b := newBundle(t)
	src := b.tree(t, "src")
	needIdmap(t, src)
	idmapped := func(destination string, uid, gid uint32, options ...string) {
		m := b.mount(destination, "none", src, options...)
		m.UIDMappings = []specs.LinuxIDMapping{{HostID: uid, Size: 10}}
		m.GIDMappings = []specs.LinuxIDMapping{{HostID: gid, Size: 10}}
	}
	idmapped("/own", 5000, 5000, "rbind", "idmap")
	idmapped("/all", 5000, 5000, "rbind", "ridmap")
	idmapped("/other", 7, 8, "bind")
	want(t, b.output("stat -c %u:%g /own/file /own/below/file /all/file /all/below/file /other/file"),
		"5000:5000\n0:0\n5000:5000\n5000:5000\n7:8")
}

// needIdmap skips the test if the filesystem of a path has no idmapped mounts.
func needIdmap(t *testing.T, path string) {
	t.Helper()
	var on unix.Statfs_t
	testkit.Check(t, unix.Statfs(path, &on))
	if on.Type == unix.TMPFS_MAGIC {
		testkit.NeedLinux(t, "6.3")
	}
}

// TestIdmapOfUserNamespace: a file that the container's root makes is the host root's.
func TestIdmapOfUserNamespace(t *testing.T) {
	b := newBundle(t)
	b.mapRoot(t, 100000)
	src := b.tree(t, "src")
	needIdmap(t, src)
	b.mount("/mapped", "none", src, "bind", "idmap")
	b.mount("/plain", "none", src, "bind")
	want(t, b.output("stat -c %u:%g /mapped/file /plain/file; touch /mapped/new; touch /plain/new 2>/dev/null || "+
		"echo denied"), "0:0\n65534:65534\ndenied")
	want(t, shell(t, "stat -c %u:%g "+filepath.Join(src, "new")), "0:0")
}

// TestTmpcopyup: the tmpfs has the files of the image, with owner and mode; changes
// stay in memory, within its size.
func TestTmpcopyup(t *testing.T) {
	for name, id := range map[string]int{"root": 0, "mapped": 100000} {
		t.Run(name, func(t *testing.T) {
			b := newBundle(t)
			if id > 0 {
				testkit.NeedLinux(t, "6.6") // user.overlay.* attributes on tmpfs
				b.mapRoot(t, uint32(id))
			}
			run := b.file("rootfs/var/run")
			file := filepath.Join(run, "inner/file")
			testkit.Check(t, os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("image\n"), 0o640),
				os.Chown(file, id+3, id+4), os.Chown(filepath.Dir(file), id+3, id+4), os.Chown(run, id+3, id+4),
				unix.Chmod(run, 0o1750))
			b.mount("/var/run", "tmpfs", "tmpfs", "tmpcopyup", "nosuid", "size=64k")
			b.mount("/var/run/sub", "tmpfs", "tmpfs")
			want(t, b.output(`cd /var/run; stat -c '%a %u:%g' . inner/file; cat inner/file; echo memory > inner/file
				cat inner/file; rm -r inner; mkdir inner; ls inner; ls
				cat /bin/busybox > big 2>/dev/null || echo full; `+see+`see /var/run`),
				"1750 3:4\n640 3:4\nimage\nmemory\ninner\nsub\nfull\nrw,nosuid,relatime -\nrw,nosuid,relatime -")
			want(t, testkit.ReadFile(t, file), "image\n")
		})
	}
}

// TestNestedTmpcopyup: below one another, also where the image has no directory. The
// kernel stacks two overlays at most, of which an engine's root is one.
func TestNestedTmpcopyup(t *testing.T) {
	b := newBundle(t)
	testkit.Check(t, os.MkdirAll(b.file("rootfs/run/lock/deep"), 0o755),
		os.WriteFile(b.file("rootfs/run/lock/deep/file"), []byte("image\n"), 0o644))
	for _, dir := range []string{"/run", "/run/lock", "/run/lock/deep", "/run/lock/new"} {
		b.mount(dir, "tmpfs", "tmpfs", "tmpcopyup")
	}
	want(t, b.output("cat /run/lock/deep/file; cd /run; touch x lock/x lock/deep/x lock/new/x; find . -name x | "+
		"wc -l; ls lock"), "image\n4\ndeep\nnew\nx")
}

func TestTmpcopyupOptions(t *testing.T) {
	b := newBundle(t)
	m := b.mount("/etc", "tmpfs", "tmpfs", "tmpcopyup", "ro", "mode=700", "uid=5", "gid=6")
	want(t, b.output("stat -c '%a %u:%g' /etc; touch /etc/new 2>&1"), "700 5:6\ntouch: /etc/new: Read-only file system")
	testkit.Check(t, os.Symlink("etc", b.file("rootfs/link")))
	m.Destination = "/link"
	b.runFails(t, "symbolic link")
}

// TestMountTargets: a target is made if it does not exist, and may be a file or a
// relative path.
func TestMountTargets(t *testing.T) {
	b := newBundle(t)
	b.tree(t, "src")
	b.mount("relative/target", "bind", "src", "bind")
	b.mount("/a/new/file", "none", "src/file", "bind")
	b.mount("dev", "tmpfs", "tmpfs")
	want(t, b.output("cat /relative/target/file /a/new/file; echo dropped > /dev/null; ls -d /dev/zero /dev/full "+
		"/dev/random /dev/urandom /dev/tty"),
		"text\ntext\n/dev/full\n/dev/random\n/dev/tty\n/dev/urandom\n/dev/zero")
	b.mount("/x", "bind", "missing", "bind")
	b.runFails(t, "hint: create the source: mkdir -p ", b.file("missing"))
}

// TestDevWithoutMounts: /dev is made in the root of a config without mounts.
func TestDevWithoutMounts(t *testing.T) {
	b := newBundle(t)
	b.spec.Mounts = nil
	testkit.Check(t, os.Remove(b.file("rootfs/proc")))
	want(t, b.output("echo dropped > /dev/null && ls /dev"),
		"fd\nfull\nnull\nptmx\nrandom\nstderr\nstdin\nstdout\ntty\nurandom\nzero")
}

// TestReadonlyDevHasDevices: they are made before /dev becomes read-only.
func TestReadonlyDevHasDevices(t *testing.T) {
	b := newBundle(t)
	b.mount("/dev", "tmpfs", "tmpfs", "ro", "nosuid")
	b.mount("/dev/pts", "devpts", "devpts", "newinstance", "ptmxmode=0666")
	want(t, b.output("echo > /dev/null && touch /dev/new 2>&1; ls /dev/pts"),
		"touch: /dev/new: Read-only file system\nptmx")
}

// TestMaskedPaths: and read-only ones, of every type, and one below another.
func TestMaskedPaths(t *testing.T) {
	paths := []string{"/dir", "/file", "/dir/sub", "/dir/file", "/dir/sub/file", "/file/none", "/none", "/block",
		"/char", "/fifo", "/link"}
	for _, test := range []struct {
		masked, readonly []string
		script, want     string
	}{
		{paths, nil, "ls /dir; cat /file /target; stat -c '%n %F' /block /char /fifo; touch /dir/new 2>/dev/null || " +
			"echo read-only",
			"/block character special file\n/char character special file\n/fifo character special file\nread-only"},
		{nil, paths, "for f in /dir/new /dir/sub/new /file /dir/file /dir/sub/file /target /new; do echo x " +
			"2>/dev/null >> $f && echo $f; done 2>/dev/null; cat /file; stat -c '%n %F' /block /char /fifo",
			"/new\nsecret/block block special file\n/char character special file\n/fifo fifo"},
	} {
		b := newBundle(t)
		testkit.Check(t, os.MkdirAll(b.file("rootfs/dir/sub"), 0o777), os.Symlink("target", b.file("rootfs/link")))
		for _, name := range []string{"file", "dir/file", "dir/sub/file", "target"} {
			testkit.Check(t, os.WriteFile(b.file("rootfs/"+name), []byte("secret"), 0o666))
		}
		for name, mode := range map[string]uint32{"block": unix.S_IFBLK, "char": unix.S_IFCHR, "fifo": unix.S_IFIFO} {
			testkit.Check(t, unix.Mknod(b.file("rootfs/"+name), mode|0o666, 0))
		}
		b.spec.Linux.MaskedPaths, b.spec.Linux.ReadonlyPaths = test.masked, test.readonly
		want(t, b.output(test.script), test.want)
	}
}

// TestDevices: anywhere in the root, with mode and owner. In a user namespace they are
// bind mounts of the host's, with its modes.
func TestDevices(t *testing.T) {
	mode, uid, gid := os.FileMode(0o640), uint32(3), uint32(4)
	devices := []specs.LinuxDevice{
		{Path: "/dev/deep/down/full", Type: "u", Major: 1, Minor: 7, FileMode: &mode, UID: &uid, GID: &gid},
		{Path: "/srv/new/disk", Type: "b", Major: 8, Minor: 666},
		{Path: "/dev/pipe", Type: "p", Major: 8, Minor: 666, FileMode: &mode},
		{Path: "/dev/ptmx", Type: "c", Major: 5, Minor: 2},
	}
	b := newBundle(t)
	b.spec.Linux.Devices = devices
	want(t, b.output("stat -c '%n %F %t:%T %a %u:%g' /dev/deep/down/full /srv/new/disk /dev/pipe; ls -l /dev/ptmx | "+
		"grep -o -- '->.*'"), "/dev/deep/down/full character special file 1:7 640 3:4\n"+
		"/srv/new/disk block special file 8:29a 666 0:0\n/dev/pipe fifo 0:0 640 0:0\n-> pts/ptmx")

	b = newBundle(t)
	b.mapRoot(t, 100000)
	b.mount("/dev", "tmpfs", "tmpfs", "mode=755")
	devices[0].Path = "/dev/full"
	b.spec.Linux.Devices = []specs.LinuxDevice{devices[0], devices[2]}
	want(t, b.output("stat -c '%n %F %t:%T %a' /dev/full /dev/pipe; echo dropped > /dev/null; echo x 2>&1 > /dev/full"),
		"/dev/full character special file 1:7 666\n/dev/pipe fifo 0:0 640\nsh: write error: No space left on device")
}
