package runtime

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Whose files they are: idmapped mounts, and the image's under a tmpfs.

// TestIdmap: the files of the host's root belong to whom the mapping says, and
// what is made there belongs to root on the host.
func TestIdmap(t *testing.T) {
	b := newBundle(t, oci(t))
	src := b.folder(t, "src")
	needIdmap(t, src)
	ids := []specs.LinuxIDMapping{{HostID: 5000, Size: 10}}
	m := b.mount("/own", "none", src, "rbind", "idmap")
	m.UIDMappings, m.GIDMappings = ids, ids
	m = b.mount("/all", "none", src, "rbind", "ridmap")
	m.UIDMappings, m.GIDMappings = ids, ids
	m = b.mount("/other", "none", src, "bind")
	m.UIDMappings, m.GIDMappings = []specs.LinuxIDMapping{{HostID: 7, Size: 1}}, []specs.LinuxIDMapping{{HostID: 8,
		Size: 1}}
	want(t, b.run(t, "stat -c %u:%g /own/file /own/below/file /all/file /all/below/file /other/file"),
		"5000:5000\n0:0\n5000:5000\n5000:5000\n7:8")
}

// needIdmap skips a test where files in memory always show their own owners.
func needIdmap(t *testing.T, path string) {
	t.Helper()
	var on unix.Statfs_t
	try(t, unix.Statfs(path, &on))
	if on.Type == unix.TMPFS_MAGIC {
		testkit.NeedLinux(t, "6.3")
	}
}

func TestIdmapOfTheContainer(t *testing.T) {
	b := newBundle(t, oci(t))
	b.mapped(t, 100000)
	src := b.folder(t, "src")
	needIdmap(t, src)
	b.mount("/mapped", "none", src, "bind", "idmap")
	b.mount("/plain", "none", src, "bind")
	want(t, b.run(t, "stat -c %u:%g /mapped/file /plain/file; touch /mapped/new; touch /plain/new 2>/dev/null || "+
		"echo denied"), "0:0\n65534:65534\ndenied")
	var made unix.Stat_t
	try(t, unix.Stat(filepath.Join(src, "new"), &made))
	if made.Uid != 0 || made.Gid != 0 {
		t.Errorf("the new file belongs to %d:%d on the host", made.Uid, made.Gid)
	}
}

// TestTmpcopyup: the tmpfs begins with what the image has, with its owner and mode;
// what is changed stays in memory, and within its size.
func TestTmpcopyup(t *testing.T) {
	t.Run("root", func(t *testing.T) { testTmpcopyup(t, 0) })
	t.Run("mapped", func(t *testing.T) {
		testkit.NeedLinux(t, "6.6") // overlay's own notes, on a tmpfs, by a user
		testTmpcopyup(t, 100000)
	})
}

func testTmpcopyup(t *testing.T, id int) {
	b := newBundle(t, oci(t))
	if id > 0 {
		b.mapped(t, 100000)
	}
	run := filepath.Join(b.root, "var/run")
	try(t, os.MkdirAll(filepath.Join(run, "inner"), 0o755))
	try(t, os.WriteFile(filepath.Join(run, "inner/file"), []byte("image\n"), 0o640))
	for _, name := range []string{"inner/file", "inner", "."} {
		try(t, os.Chown(filepath.Join(run, name), id+3, id+4))
	}
	try(t, unix.Chmod(run, 0o1750))
	b.mount("/var/run", "tmpfs", "tmpfs", "tmpcopyup", "nosuid", "size=64k")
	b.mount("/var/run/sub", "tmpfs", "tmpfs")
	want(t, b.run(t, `cd /var/run; stat -c '%a %u:%g' . inner/file; cat inner/file; echo memory > inner/file
		cat inner/file; rm -r inner; mkdir inner; ls inner; ls
		cat /bin/busybox > big 2>/dev/null || echo full; `+see+`see /var/run`),
		"1750 3:4\n640 3:4\nimage\nmemory\ninner\nsub\nfull\nrw,nosuid,relatime -\nrw,nosuid,relatime -")
	if data, err := os.ReadFile(filepath.Join(run, "inner/file")); string(data) != "image\n" {
		t.Errorf("the image has now %q, %v", data, err)
	}
}

// TestTmpcopyupInside: three in one another, one of which the image does not have.
// (The kernel's limit is two stacks, of which an engine's root is one.)
func TestTmpcopyupInside(t *testing.T) {
	b := newBundle(t, oci(t))
	try(t, os.MkdirAll(filepath.Join(b.root, "run/lock/deep"), 0o755))
	try(t, os.WriteFile(filepath.Join(b.root, "run/lock/deep/file"), []byte("image\n"), 0o644))
	for _, dir := range []string{"/run", "/run/lock", "/run/lock/deep", "/run/lock/new"} {
		b.mount(dir, "tmpfs", "tmpfs", "tmpcopyup")
	}
	want(t,
		b.run(t,
			`cat /run/lock/deep/file; cd /run; touch x lock/x lock/deep/x lock/new/x; find . -name x | wc -l; ls lock`),
		"image\n4\ndeep\nnew\nx")
}

func TestTmpcopyupOptions(t *testing.T) {
	b := newBundle(t, oci(t))
	b.mount("/etc", "tmpfs", "tmpfs", "tmpcopyup", "ro", "mode=700", "uid=5", "gid=6")
	want(t, b.run(t, "stat -c '%a %u:%g' /etc; touch /etc/new 2>&1"), "700 5:6\ntouch: /etc/new: Read-only file system")
	try(t, os.Symlink("etc", filepath.Join(b.root, "link")))
	b.spec.Mounts[1].Destination = "/link"
	if out := b.run(t, "true"); !strings.Contains(out, "symbolic link") {
		t.Errorf("a link of the image: %s", out)
	}
}
