package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/internal/testkit"
)

// newDir returns a directory of volumes, locked shared.
func newDir(t *testing.T) string {
	t.Helper()
	dir := Dir(t.TempDir())
	lock, err := Lock(dir, lockfile.Shared)
	testkit.Check(t, err)
	t.Cleanup(func() { lock.Close() })
	return dir
}

func named(name string) Volume { return New(name, time.Now(), false) }

// fillWith returns a Fill that writes a file.
func fillWith(text string) Fill {
	return func(data *os.File) error {
		return os.WriteFile(filepath.Join(data.Name(), "file"), []byte(text), 0o600)
	}
}

// wantScratchEmpty: nothing is left of making or removing volumes.
func wantScratchEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, newName))
	testkit.Check(t, err)
	testkit.Equal(t, "entries of .new", len(entries), 0)
}

// TestUseFillsOnce: the first container that uses a volume fills it, whether it makes it or finds one
// that was made and is empty; a later one does not, nor one that finds files in it.
func TestUseFillsOnce(t *testing.T) {
	dir := newDir(t)
	for _, first := range []bool{true, false} {
		v := named("db")
		v.Labels = map[string]string{"tier": "db"}
		if first {
			_, err := Make(dir, v)
			testkit.Check(t, err)
		}
		made, err := Use(dir, v, fillWith("one"))
		testkit.Check(t, err)
		testkit.Equal(t, "made", made, !first)
		made, err = Use(dir, v, fillWith("two"))
		testkit.Check(t, err)
		testkit.Equal(t, "made again", made, false)
		testkit.Equal(t, "file", testkit.ReadFile(t, filepath.Join(DataPath(dir, "db"), "file")), "one")
		have, err := Get(dir, "db")
		testkit.Check(t, err)
		testkit.Equal(t, "record", fmt.Sprint(have.Labels, have.Used, have.Shared), "map[tier:db] true true")
		testkit.Check(t, Remove(dir, "db"))
		wantScratchEmpty(t, dir)
	}
	// a file that somebody has put there
	_, err := Make(dir, named("db"))
	testkit.Check(t, err, os.WriteFile(filepath.Join(DataPath(dir, "db"), "mine"), nil, 0o600))
	_, err = Use(dir, named("db"), fillWith("one"))
	testkit.Check(t, err)
	entries, err := os.ReadDir(DataPath(dir, "db"))
	testkit.Check(t, err)
	testkit.Equal(t, "files", len(entries), 1)
}

// TestFailedFillLeavesNoVolume: a copy that fails leaves nothing, and the next one succeeds.
func TestFailedFillLeavesNoVolume(t *testing.T) {
	dir := newDir(t)
	broken := errors.New("broken")
	_, err := Use(dir, named("db"), func(data *os.File) error {
		return errors.Join(fillWith("half")(data), broken)
	})
	testkit.Equal(t, "error", errors.Is(err, broken), true)
	_, err = Get(dir, "db")
	testkit.Equal(t, "no volume", errors.Is(err, ErrNotExist), true)
	wantScratchEmpty(t, dir)
	_, err = Use(dir, named("db"), fillWith("whole"))
	testkit.Check(t, err)
}

// TestConcurrentUseCopiesOnce: of containers that start at once on a new volume one fills it, and the
// others find it whole.
func TestConcurrentUseCopiesOnce(t *testing.T) {
	dir := newDir(t)
	var fills atomic.Int32
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := Use(dir, named("db"), func(data *os.File) error {
				fills.Add(1)
				for i := range 50 {
					if err := os.WriteFile(fmt.Sprintf("%s/%d", data.Name(), i), nil, 0o600); err != nil {
						return err
					}
				}
				return nil
			})
			entries, readErr := os.ReadDir(DataPath(dir, "db"))
			if err != nil || readErr != nil || len(entries) != 50 {
				t.Errorf("use: %v, %v; %d files", err, readErr, len(entries))
			}
		})
	}
	all.Wait()
	testkit.Equal(t, "fills", fills.Load(), 1)
	wantScratchEmpty(t, dir)
}

// TestRecover: what a killed command has left is removed and named, but for what another command
// still works on, and what minictr has not made.
func TestRecover(t *testing.T) {
	dir := newDir(t)
	scratch := func(name string) string { return filepath.Join(dir, newName, name) }
	testkit.Check(t,
		os.MkdirAll(scratch("killed/_data/x"), 0o700), owned.Mark(scratch("killed"), owned.Volume),
		os.MkdirAll(scratch("early"), 0o700),
		os.MkdirAll(scratch("foreign/_data"), 0o700),
		os.MkdirAll(scratch("busy/_data"), 0o700), owned.Mark(scratch("busy"), owned.Volume))
	busy, err := lockfile.Try(scratch("busy"), lockfile.Exclusive)
	testkit.Check(t, err)
	defer busy.Close()
	names, err := Recover(dir)
	testkit.Check(t, err)
	testkit.Equal(t, "recovered", strings.Join(names, " "), "killed")
	entries, err := os.ReadDir(filepath.Join(dir, newName))
	testkit.Check(t, err)
	testkit.Equal(t, "left", fmt.Sprint(entries), "[d busy/ d foreign/]")
	// and made anew
	testkit.Check(t, os.MkdirAll(scratch("killed/_data/x"), 0o700), owned.Mark(scratch("killed"), owned.Volume))
	_, err = Use(dir, named("killed"), fillWith("whole"))
	testkit.Check(t, err)
	testkit.Equal(t, "file", testkit.ReadFile(t, filepath.Join(DataPath(dir, "killed"), "file")), "whole")
}

// TestForeignDirectoriesStay: a directory, a file or a link with the name of a volume that minictr has
// not made is none, is not removed, and no volume takes its place.
func TestForeignDirectoriesStay(t *testing.T) {
	dir := newDir(t)
	_, err := Use(dir, named("real"), fillWith("kept"))
	testkit.Check(t, err)
	path := func(name string) string { return filepath.Join(dir, name) }
	testkit.Check(t, os.MkdirAll(path("plain/_data"), 0o700), os.WriteFile(path("file"), nil, 0o600),
		os.Symlink("real", path("link")), os.MkdirAll(path("other/_data"), 0o700),
		owned.Mark(path("other"), owned.State))
	for _, name := range []string{"plain", "file", "link", "other"} {
		if err := Remove(dir, name); err == nil {
			t.Errorf("remove %s: no error", name)
		}
		if _, err := Use(dir, named(name), fillWith("new")); err == nil {
			t.Errorf("use %s: no error", name)
		}
		if _, err := os.Lstat(path(name)); err != nil {
			t.Error(err)
		}
	}
	list, err := List(dir)
	testkit.Check(t, err)
	for _, v := range list {
		if v.Name != "real" {
			t.Errorf("%s is listed", v.Name)
		}
	}
}

// TestInvalidVolumeNamesRefused: a name never leads out of the directory.
func TestInvalidVolumeNamesRefused(t *testing.T) {
	dir := newDir(t)
	for _, name := range []string{"", ".", "..", "../x", "a/b", "/x", ".new", "-x", "_x", "x", "a\x00", "a\nb", "ü2",
		strings.Repeat("a", 300)} {
		if CheckName(name) == nil {
			t.Errorf("%q: no error", name)
		}
		_, getErr := Get(dir, name)
		_, makeErr := Make(dir, named(name))
		if getErr == nil || makeErr == nil || Remove(dir, name) == nil {
			t.Errorf("%q: %v, %v", name, getErr, makeErr)
		}
		if _, _, ok := Split(dir, filepath.Join(dir, name, dataName)); ok {
			t.Errorf("%q is a volume", name)
		}
	}
}

// TestOpenInStaysInVolume: no link in a volume, however it is written, leads to a file outside.
func TestOpenInStaysInVolume(t *testing.T) {
	dir := newDir(t)
	testkit.Check(t, os.WriteFile(filepath.Join(filepath.Dir(dir), "canary"), nil, 0o600))
	_, err := Use(dir, named("db"), func(data *os.File) error {
		top := data.Name()
		return errors.Join(os.MkdirAll(top+"/sub/deep", 0o700), os.Symlink("/", top+"/root"),
			os.Symlink("../../../../..", top+"/up"), os.Symlink("/proc/self/root", top+"/magic"),
			os.Symlink("up/canary", top+"/canary"), os.Symlink("/sub/deep", top+"/in"), os.Symlink("loop", top+"/loop"))
	})
	testkit.Check(t, err)
	volume, err := os.Stat(DataPath(dir, "db"))
	testkit.Check(t, err)
	for subpath, same := range map[string]string{
		"root": "", "up": "", "in": "sub/deep", "root/sub": "sub", "up/in": "sub/deep",
	} {
		f, err := OpenIn(dir, "db", subpath)
		testkit.Check(t, err)
		have, err := f.Stat()
		testkit.Check(t, err)
		want := volume
		if same != "" {
			want, err = os.Stat(filepath.Join(DataPath(dir, "db"), same))
			testkit.Check(t, err)
		}
		testkit.Equal(t, subpath+" is in the volume", os.SameFile(have, want), true)
		f.Close()
	}
	for _, subpath := range []string{"magic", "canary", "loop", "missing"} {
		if f, err := OpenIn(dir, "db", subpath); err == nil {
			f.Close()
			t.Errorf("%s: no error", subpath)
		}
	}
}
