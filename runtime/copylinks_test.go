package runtime

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestCopySymlink: a bind mount with copy-symlink copies a symbolic link, dangling or not, and
// mounts what is none. A link of the image that is the same stays; another file is an error.
func TestCopySymlink(t *testing.T) {
	b := newBundle(t)
	dir := t.TempDir()
	link, file := filepath.Join(dir, "link"), filepath.Join(dir, "file")
	testkit.Check(t, os.Symlink("../no/where", link), os.WriteFile(file, []byte("mounted\n"), 0o644))
	testkit.Check(t, os.Symlink("/tmp/passwd", b.file("rootfs/etc/passwd"))) // HOME is looked up when it runs
	b.mount("/made/for/link", "bind", link, "rbind", "copy-symlink", "ro")
	b.mount("/plain", "bind", file, "rbind", "copy-symlink")
	want(t, b.output("readlink /made/for/link; cat /plain; grep -c ' /made' /proc/self/mountinfo"),
		"../no/where\nmounted\n0")
	want(t, b.output("readlink /made/for/link"), "../no/where")
	testkit.Check(t, os.Remove(b.file("rootfs/made/for/link")), os.Symlink("/other", b.file("rootfs/made/for/link")))
	b.runFails(t, "copy the symbolic link", "leave out the option copy-symlink")
	want(t, shell(t, "readlink "+b.file("rootfs/made/for/link")), "/other")
}
