package layers

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// beneath returns a directory, and how a copy is extracted into it.
func beneath(t *testing.T) (dir string, d Destination) {
	t.Helper()
	testkit.NeedRoot(t)
	dir = filepath.Join(t.TempDir(), "tree")
	testkit.Check(t, os.Mkdir(dir, 0o755))
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	testkit.Check(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	return dir, Destination{
		Dir: fd, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
		Filter:  func(*tar.Header) (bool, error) { return true, nil },
		Skipped: func(name string, why error) { t.Logf("left out %s: %v", name, why) },
	}
}

func extract(d Destination, entries ...entry) error {
	return ExtractInto(bytes.NewReader(testkit.Tar(entries...)), d)
}

// The tree is merged with the tar, which is no layer.
func TestExtractInto(t *testing.T) {
	dir, d := beneath(t)
	err := extract(d, file("a", "old"), file("gone", "kept"), symlink("l", "d"), file("d/x", "old"), file("d/y", "old"))
	testkit.Check(t, err)
	added := testkit.Tar(file("a", "new"), file(".wh.gone", ""), file(".wh..wh..opq", ""),
		file("l/x", "new"), symlink("d/y", "x"), file("new/deep/z", "z"))
	testkit.Check(t, ExtractInto(bytes.NewReader(testkit.Gzip(added)), d))
	want := ".wh..wh..opq= .wh.gone= a=new d/ d/x=new d/y>x gone=kept l>d new/ new/deep/ new/deep/z=z"
	testkit.Equal(t, "the tree", show(t, dir), want)
	for what, entry := range map[string]entry{
		"file onto directory": file("d", ""),
		"link onto directory": symlink("d", "a"),
		"directory onto file": {Header: tar.Header{Name: "a", Typeflag: tar.TypeDir}},
		"directory onto link": {Header: tar.Header{Name: "l", Typeflag: tar.TypeDir}},
		"upwards":             file("../up", ""),
		"file in file":        file("a/b", ""),
		"through a file link": file("d/y/z", ""),
	} {
		if err := extract(d, entry); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	testkit.Equal(t, "the tree after refused entries", show(t, dir), want)
}

// The caller decides what is made and who owns it, also for implied directories.
func TestExtractIntoFilter(t *testing.T) {
	dir, d := beneath(t)
	d.Filter = func(h *tar.Header) (bool, error) {
		h.Uid, h.Gid = 7, 8
		return !strings.HasSuffix(h.Name, "left"), nil
	}
	testkit.Check(t, extract(d, file("implied/a", ""), file("implied/left", "")))
	testkit.Equal(t, "the tree", show(t, dir), "implied/ implied/a=")
	for _, name := range []string{"implied", "implied/a"} {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, name), &st); err != nil || st.Uid != 7 || st.Gid != 8 {
			t.Errorf("%s: owner %d:%d, %v", name, st.Uid, st.Gid, err)
		}
	}
}

// A link in the tree that leads out of it is not followed.
func TestLinkOutOfTreeNotFollowed(t *testing.T) {
	outside, check := canary(t)
	dir, d := beneath(t)
	for name, to := range map[string]string{
		"absolute": outside, "upwards": "../outside", "magic": "/proc/self/root" + outside,
	} {
		testkit.Check(t, os.Symlink(to, filepath.Join(dir, name)))
		if err := extract(d, file(name+"/secret", "evil")); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	check()
}

// Another process swaps each name, as soon as it is made, for a link to the canary.
// The content, mode, owner and time of the canary do not change.
func TestSwappedNameNotFollowed(t *testing.T) {
	if testing.Short() {
		t.Skip("makes thousands of files")
	}
	outside, check := canary(t)
	dir, d := beneath(t)
	name, trap := filepath.Join(dir, "name"), filepath.Join(dir, "trap")
	quit, count := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-quit:
				count <- n
				return
			default:
				os.Remove(trap) // the swapped file, or the last trap
				os.Symlink(filepath.Join(outside, "secret"), trap)
				if unix.Renameat2(unix.AT_FDCWD, name, unix.AT_FDCWD, trap, unix.RENAME_EXCHANGE) == nil {
					n++
				}
			}
		}
	}()
	fifo := entry{Header: tar.Header{Name: "name", Typeflag: tar.TypeFifo, Mode: 0o777, Uid: 7}}
	kinds := []entry{file("name", "evil"), fifo}
	for i := range 4000 {
		extract(d, kinds[i%2]) // may fail
	}
	close(quit)
	if n := <-count; n == 0 {
		t.Error("nothing was swapped")
	} else {
		t.Logf("%d swaps", n)
	}
	check()
}
