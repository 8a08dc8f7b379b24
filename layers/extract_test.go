package layers

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// beneath is a directory, and how a copy unpacks onto it.
func beneath(t *testing.T) (dir string, d Destination) {
	t.Helper()
	needRoot(t)
	dir = filepath.Join(t.TempDir(), "tree")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return dir, Destination{
		Dir: fd, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
		Filter:  func(*tar.Header) (bool, error) { return true, nil },
		Skipped: func(name string, why error) { t.Logf("left out %s: %v", name, why) },
	}
}

// TestExtractInto: what is there is merged with what comes, and a tar is no layer.
func TestExtractInto(t *testing.T) {
	dir, d := beneath(t)
	there := makeTar(t, file("a", "old"), file("gone", "kept"), symlink("l", "d"), file("d/x", "old"), file("d/y", "old"))
	if err := ExtractInto(bytes.NewReader(there), d); err != nil {
		t.Fatal(err)
	}
	coming := makeTar(t, file("a", "new"), file(".wh.gone", ""), file(".wh..wh..opq", ""), file("l/x", "new"), symlink("d/y", "x"), file("new/deep/z", "z"))
	if err := ExtractInto(bytes.NewReader(compress(t, coming)), d); err != nil {
		t.Fatal(err)
	}
	want := ".wh..wh..opq= .wh.gone= a=new d/ d/x=new d/y>x gone=kept l>d new/ new/deep/ new/deep/z=z"
	if got := show(t, dir); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for what, entry := range map[string]entry{
		"file onto directory": file("d", ""),
		"link onto directory": symlink("d", "a"),
		"directory onto file": {tar.Header{Name: "a", Typeflag: tar.TypeDir}, ""},
		"directory onto link": {tar.Header{Name: "l", Typeflag: tar.TypeDir}, ""},
		"upwards":             file("../up", ""),
		"file in file":        file("a/b", ""),
		"through a file link": file("d/y/z", ""),
	} {
		if err := ExtractInto(bytes.NewReader(makeTar(t, entry)), d); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if got := show(t, dir); got != want {
		t.Errorf("after what is refused: %s", got)
	}
}

// TestExtractIntoFilter: the caller decides what is made, and whose it is; of directories that
// the tar leaves out, too.
func TestExtractIntoFilter(t *testing.T) {
	dir, d := beneath(t)
	d.Filter = func(h *tar.Header) (bool, error) {
		h.Uid, h.Gid = 7, 8
		return !strings.HasSuffix(h.Name, "left"), nil
	}
	if err := ExtractInto(bytes.NewReader(makeTar(t, file("implied/a", ""), file("implied/left", ""))), d); err != nil {
		t.Fatal(err)
	}
	if got := show(t, dir); got != "implied/ implied/a=" {
		t.Error(got)
	}
	for _, name := range []string{"implied", "implied/a"} {
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, name), &st); err != nil || st.Uid != 7 || st.Gid != 8 {
			t.Errorf("%s: owner %d:%d, %v", name, st.Uid, st.Gid, err)
		}
	}
}

// TestLinkOutOfTreeNotFollowed: a link in the tree that leads out of it is not followed.
func TestLinkOutOfTreeNotFollowed(t *testing.T) {
	outside, check := canary(t)
	dir, d := beneath(t)
	for name, to := range map[string]string{"absolute": outside, "upwards": "../outside", "magic": "/proc/self/root" + outside} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := ExtractInto(bytes.NewReader(makeTar(t, file(name+"/secret", "evil"))), d); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	check()
}

// TestSwappedNameNotFollowed: somebody swaps each name, as soon as it is made, for
// a link to the canary. Neither mode nor owner, time or content of that changes.
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
				os.Remove(trap) // what was swapped away, or the trap before
				os.Symlink(filepath.Join(outside, "secret"), trap)
				if unix.Renameat2(unix.AT_FDCWD, name, unix.AT_FDCWD, trap, unix.RENAME_EXCHANGE) == nil {
					n++
				}
			}
		}
	}()
	kinds := []entry{file("name", "evil"), {tar.Header{Name: "name", Typeflag: tar.TypeFifo, Mode: 0o777, Uid: 7}, ""}}
	for i := range 4000 {
		ExtractInto(bytes.NewReader(makeTar(t, kinds[i%2])), d) // an error is as good
	}
	close(quit)
	if n := <-count; n == 0 {
		t.Error("nothing was swapped")
	} else {
		t.Logf("%d swaps", n)
	}
	check()
}
