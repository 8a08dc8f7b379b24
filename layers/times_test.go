package layers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
)

var (
	early = time.Unix(1e9, 0)
	late  = time.Unix(1.5e9, 0)
)

func at(e entry, t time.Time) entry { e.ModTime = t; return e }

// The time of a directory is set when the tree is complete. By then a later entry
// may have replaced it by a link.
func TestTimeNotSetThroughLink(t *testing.T) {
	testkit.NeedRoot(t)
	outside, check := canary(t)
	up := strings.Repeat("../", 20)
	for name, entries := range map[string][]entry{
		"loop":                     {at(dir("a"), early), symlink("a", "a")},
		"loop on the way":          {at(dir("a/x"), early), symlink("a", "a")},
		"endless name on the way":  {at(dir("a/x"), early), symlink("a", strings.Repeat("n", 300))},
		"to nothing":               {at(dir("a"), early), symlink("a", "nothing")},
		"to a file":                {at(dir("a"), early), file("f", ""), symlink("a", "f")},
		"to another directory":     {at(dir("a"), early), symlink("a", "b")},
		"to another, on the way":   {at(dir("a/x"), early), symlink("a", "b")},
		"to the root":              {at(dir("a"), early), symlink("a", "/")},
		"to outside":               {at(dir("a"), early), symlink("a", outside)},
		"up and to outside":        {at(dir("a"), early), symlink("a", up+outside[1:])},
		"to outside, on the way":   {at(dir("a/outside"), early), symlink("a", filepath.Dir(outside))},
		"by the kernel to outside": {at(dir("a"), early), symlink("a", "/proc/self/root"+outside)},
	} {
		t.Run(name, func(t *testing.T) {
			others := []entry{at(dir(""), late), at(dir("b"), late), at(dir("b/x"), late)}
			tree, err := unpackTo(t, append(others, entries...)...)
			testkit.Check(t, err)
			for _, dir := range []string{"", "b", "b/x"} {
				checkTime(t, filepath.Join(tree, dir), late)
			}
			check()
		})
	}
}

// Of two entries of one directory the time of the later is set, also through a link.
func TestFolderTimes(t *testing.T) {
	testkit.NeedRoot(t)
	tree, err := unpackTo(t,
		at(dir("again"), early), at(dir("again"), late),
		at(dir("usr/lib"), early), symlink("lib", "usr/lib"), at(dir("lib/x"), late), file("lib/x/y", ""),
		at(dir("back"), early), file("back", ""), at(dir("back"), late), file("back/y", ""))
	testkit.Check(t, err)
	checkTime(t, filepath.Join(tree, "again"), late)
	checkTime(t, filepath.Join(tree, "usr/lib"), early)
	checkTime(t, filepath.Join(tree, "usr/lib/x"), late)
	checkTime(t, filepath.Join(tree, "back"), late)
}

func checkTime(t *testing.T, path string, want time.Time) {
	t.Helper()
	st, err := os.Lstat(path)
	testkit.Check(t, err)
	if !st.ModTime().Equal(want) {
		t.Errorf("%s has the time %v, want %v", path, st.ModTime(), want)
	}
}

// While another process renames, openat2(2) may return EAGAIN for a link with "..".
func TestUnpackWhileOthersRename(t *testing.T) {
	testkit.NeedRoot(t)
	busy, done, stopped := t.TempDir(), make(chan bool), make(chan error)
	go func() {
		var err error
		for a, b := filepath.Join(busy, "a"), filepath.Join(busy, "b"); err == nil; a, b = b, a {
			select {
			case <-done:
				stopped <- nil
				return
			default:
				os.Mkdir(a, 0o700)
				err = os.Rename(a, b)
			}
		}
		stopped <- err
	}()
	entries := []entry{dir("d/e/f/g"), dir("x"), symlink("d/l", "../d/e/../../d/e/f/../../../d/e/f/g")}
	for range 1000 {
		entries = append(entries, file("d/l/a", ""), file("x/a", ""))
	}
	_, err := unpackTo(t, entries...)
	close(done)
	if renamed := <-stopped; err != nil || renamed != nil {
		t.Errorf("unpack: %v, rename: %v", err, renamed)
	}
}
