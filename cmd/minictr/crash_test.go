package main

// A command that changes the store may be killed at any moment. After each kill
//
//   - images shows the truth: what it lists can be run,
//   - fsck finds no problem,
//   - the same command, or another, works again,
//   - and then the store has not one file more or less than one in which no command
//     was killed.

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/events"
	"github.com/minictr/minictr/internal/testkit"
)

// crash is a command that is killed, and the store it finds.
type crash struct {
	before [][]string // commands that made the store
	victim []string
	after  [][]string // those that follow the kill, and must work
	left   string     // an image that must be there then
	kept   string     // one that must be there all the time
	calls  string     // those at which it is killed
}

func TestCrash(t *testing.T) {
	testkit.NeedRoot(t)
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		t.Setenv("TMPDIR", "/dev/shm") // where fsync is fast
	}
	demo := testkit.DemoImage(t)
	load := []string{"load", "-i", demo}
	loadOther := []string{"load", "-i", otherImage(t, demo)}
	remove := []string{"rmi", "-f", "demo"}
	for name, c := range map[string]crash{
		"load": {
			victim: load, after: [][]string{load}, left: "demo",
			calls: "renameat fsync syncfs flock mkdirat unlinkat symlinkat mknodat openat write pwrite64 fchown " +
				"utimensat",
		},
		"load beside another": {
			before: [][]string{loadOther}, victim: load, after: [][]string{load}, left: "demo", kept: "else",
			calls: "renameat fsync flock mkdirat unlinkat openat",
		},
		"load, then another": {
			victim: load, after: [][]string{remove, loadOther}, left: "else",
			calls: "renameat fsync syncfs",
		},
		"rmi": {
			before: [][]string{load}, victim: remove, after: [][]string{remove, load}, left: "demo",
			calls: "renameat unlinkat fsync flock mkdirat",
		},
		"rmi, then another": {
			before: [][]string{load}, victim: remove, after: [][]string{remove, loadOther}, left: "else",
			calls: "renameat unlinkat fsync flock mkdirat",
		},
	} {
		t.Run(name, func(t *testing.T) { c.test(t) })
	}
}

func (c crash) test(t *testing.T) {
	// the store in which nothing is killed
	whole := t.TempDir()
	c.prepare(t, whole)
	mustMinictr(t, whole, c.victim...)
	want := c.goOn(t, whole)

	var store string
	testkit.KillAt(t, testkit.Kill{
		Command: func(t *testing.T) *exec.Cmd {
			store = t.TempDir()
			c.prepare(t, store)
			return exec.Command("minictr", append([]string{"--root", store}, c.victim...)...)
		},
		Calls: c.calls,
		Truth: func(t *testing.T, k testkit.Killed) {
			if k.Code != 0 && k.Code != 128+int(syscall.SIGKILL) {
				t.Error("it was not killed, and fails")
			}
			c.truth(t, store)
		},
		Clean: func(t *testing.T, k testkit.Killed) {
			testkit.Equal(t, "the store", c.goOn(t, store), want)
		},
		Limit:  12 * time.Second,
		Enough: 5,
	})
}

// goOn runs the commands that follow, and lists the store.
func (c crash) goOn(t *testing.T, store string) string {
	t.Helper()
	for _, args := range c.after {
		mustMinictr(t, store, args...)
	}
	mustMinictr(t, store, "run", "--rm", c.left, "true")
	return listing(t, store)
}

func (c crash) prepare(t *testing.T, store string) {
	t.Helper()
	for _, args := range c.before {
		mustMinictr(t, store, args...)
	}
}

// truth checks the store: the images that are shown are complete.
func (c crash) truth(t *testing.T, store string) {
	t.Helper()
	if out, err := minictr(store, "fsck"); err != nil {
		t.Errorf("fsck: %v\n%s", err, out)
	}
	names := strings.Fields(mustMinictr(t, store, "images", "--format", "json"))
	list := strings.Join(names, "")
	if c.kept != "" && !strings.Contains(list, c.kept) {
		t.Errorf("image %s is gone", c.kept)
	}
	for _, name := range []string{"demo", "else"} {
		if !strings.Contains(list, `"Repository":"`+name+`"`) {
			continue
		}
		out, err := minictr(store, "run", "--rm", name, "cat", "/etc/motd")
		if err != nil || out != "hello from the second layer\n" {
			t.Errorf("image %s is shown, but not whole: %s%v", name, out, err)
		}
	}
}

// otherImage is the archive of an image "else", with the layers of "demo".
func otherImage(t *testing.T, demo string) string {
	t.Helper()
	other := strings.NewReplacer("demo:latest", "else:latest", `"Cmd": ["look"]`, `"Cmd": ["true"]`)
	path := filepath.Join(t.TempDir(), "other.tar")
	testkit.Check(t, os.WriteFile(path, []byte(other.Replace(testkit.ReadFile(t, demo))), 0o600))
	return path
}

func minictr(store string, args ...string) (string, error) {
	out, err := exec.Command("minictr", append([]string{"--root", store}, args...)...).CombinedOutput()
	return string(out), err
}

func mustMinictr(t *testing.T, store string, args ...string) string {
	t.Helper()
	out, err := minictr(store, args...)
	if err != nil {
		t.Fatalf("minictr %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// listing is a directory tree as text: names, modes, sizes of files. The journal of events
// also tells of the command that was killed.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == events.Dir {
			return fs.SkipDir
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		size := int64(0)
		if st.Mode().IsRegular() {
			size = st.Size()
		}
		fmt.Fprintln(&text, strings.TrimPrefix(path, dir), st.Mode(), size)
		return nil
	})
	testkit.Check(t, err)
	return text.String()
}
