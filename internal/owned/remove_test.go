package owned

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// TestRemoveAll: a tree is removed, and nothing that its links lead to; a file or nothing
// at the path is no error.
func TestRemoveAll(t *testing.T) {
	top := t.TempDir()
	kept := filepath.Join(top, "kept")
	tree := filepath.Join(top, "tree")
	testkit.Check(t, os.MkdirAll(filepath.Join(tree, "a", "b", "c"), 0o700), os.Mkdir(kept, 0o700),
		os.WriteFile(filepath.Join(kept, "file"), []byte("kept"), 0o600))
	for i := range 2000 {
		testkit.Check(t, os.WriteFile(filepath.Join(tree, "a", fmt.Sprint(i)), nil, 0o600))
	}
	testkit.Check(t, os.Symlink(kept, filepath.Join(tree, "a", "link")),
		os.Link(filepath.Join(kept, "file"), filepath.Join(tree, "a", "b", "c", "hard link")))
	testkit.Check(t, RemoveAll(tree), RemoveAll(tree), RemoveAll(filepath.Join(tree, "below")))
	link := filepath.Join(top, "link")
	testkit.Check(t, os.Symlink(kept, link), RemoveAll(link))
	for _, path := range []string{tree, link} {
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Errorf("%s: %v", path, err)
		}
	}
	testkit.Equal(t, "the file that links led to", testkit.ReadFile(t, filepath.Join(kept, "file")), "kept")
}

// TestRemoveAllOfDeepTree: directories in one another, more of them than a process may
// open, are removed.
func TestRemoveAllOfDeepTree(t *testing.T) {
	top := t.TempDir()
	fd, err := unix.Open(top, unix.O_PATH|unix.O_DIRECTORY, 0)
	testkit.Check(t, err)
	for range 3 * maxDepth {
		testkit.Check(t, unix.Mkdirat(fd, "1", 0o700), unix.Mkdirat(fd, "2", 0o700))
		below, err := unix.Openat(fd, "1", unix.O_PATH|unix.O_DIRECTORY, 0)
		testkit.Check(t, err, unix.Close(fd))
		fd = below
	}
	testkit.Check(t, unix.Close(fd))
	var limit unix.Rlimit
	testkit.Check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	low := limit
	low.Cur = 2 * maxDepth
	testkit.Check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &low))
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	testkit.Check(t, RemoveAll(filepath.Join(top, "1")))
	if _, err := os.Lstat(filepath.Join(top, "1")); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
}

// TestRemoveAllEntersNoMount: what is mounted in a tree stays, and the error names it.
func TestRemoveAllEntersNoMount(t *testing.T) {
	testkit.NeedRoot(t)
	runtime.LockOSThread() // until the thread ends: it has a mount namespace of its own
	testkit.Check(t, unix.Unshare(unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	top := t.TempDir()
	kept := filepath.Join(top, "kept")
	testkit.Check(t, os.Mkdir(kept, 0o700), os.WriteFile(filepath.Join(kept, "file"), []byte("kept"), 0o600))
	for _, at := range []string{"tree", "tree/a/b"} {
		path := filepath.Join(top, at)
		testkit.Check(t, os.MkdirAll(path, 0o700), unix.Mount(kept, path, "", unix.MS_BIND, ""))
		err := RemoveAll(filepath.Join(top, "tree"))
		testkit.WantError(t, "RemoveAll", err, path+": a filesystem is mounted on it")
		testkit.Equal(t, "hint", hint.Of(err), "umount "+path)
		testkit.Equal(t, "the mounted file", testkit.ReadFile(t, filepath.Join(kept, "file")), "kept")
		testkit.Check(t, unix.Unmount(path, 0))
	}
	testkit.Check(t, RemoveAll(filepath.Join(top, "tree")))
}
