package main

// A command that changes the store may die at any moment: kill -9, a power
// cut. strace(1) makes it die, on entering a chosen system call for the Nth
// time. After each death
//
//   - images shows the truth: what it lists can be run,
//   - fsck finds no problem,
//   - the same command, or another, works again,
//   - and then the store has not one file more or less than one in which
//     nothing ever died.

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// crash is a command and the store it finds.
type crash struct {
	before [][]string // commands that made the store
	victim []string
	after  [][]string // those that follow its death, and must work
	left   string     // an image that must be there then
	kept   string     // one that must be there all the time
	calls  string     // those at which it dies
}

// crashTime is how long the deaths of one command go on, if there are enough then.
const (
	crashTime    = 12 * time.Second
	enoughDeaths = 5
)

func TestCrash(t *testing.T) {
	needRoot(t)
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed: use make test")
	}
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		t.Setenv("TMPDIR", "/dev/shm") // where to sync costs nothing
	}
	demo := demoImage(t)
	load := []string{"load", "-i", demo}
	loadOther := []string{"load", "-i", otherImage(t, demo)}
	remove := []string{"rmi", "-f", "demo"}
	for name, c := range map[string]crash{
		"load": {
			victim: load, after: [][]string{load}, left: "demo",
			calls: "renameat fsync syncfs flock mkdirat unlinkat symlinkat mknodat openat write pwrite64 fchown utimensat",
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
	whole := t.TempDir()
	c.prepare(t, whole)
	mustMinictr(t, whole, c.victim...)
	for _, args := range c.after {
		mustMinictr(t, whole, args...)
	}
	mustMinictr(t, whole, "run", "--rm", c.left, "true")
	want := listing(t, whole)

	points := c.points(t)
	start, died, tried := time.Now(), 0, 0
	for _, p := range points {
		if time.Since(start) > crashTime && died >= enoughDeaths {
			break
		}
		tried++
		store := t.TempDir()
		c.prepare(t, store)
		if p.kill(t, store, c.victim) {
			died++
		}
		c.truth(t, store, p)
		for _, args := range c.after {
			mustMinictr(t, store, args...)
		}
		mustMinictr(t, store, "run", "--rm", c.left, "true")
		if got := listing(t, store); got != want {
			t.Errorf("died at %s: the store is\n%s\nnot\n%s", p, got, want)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d deaths in %d of %d runs", died, tried, len(points))
	if died < tried/2 || died < enoughDeaths {
		t.Errorf("only %d of %d died", died, tried)
	}
}

func (c crash) prepare(t *testing.T, store string) {
	t.Helper()
	for _, args := range c.before {
		mustMinictr(t, store, args...)
	}
}

// truth asks for the images. Those that are shown are whole and can be run.
func (c crash) truth(t *testing.T, store string, p point) {
	t.Helper()
	if out, err := minictr(store, "fsck"); err != nil {
		t.Errorf("died at %s: fsck: %v\n%s", p, err, out)
	}
	names := strings.Fields(mustMinictr(t, store, "images", "--format", "json"))
	list := strings.Join(names, "")
	if c.kept != "" && !strings.Contains(list, c.kept) {
		t.Errorf("died at %s: image %s is gone", p, c.kept)
	}
	for _, name := range []string{"demo", "else"} {
		if !strings.Contains(list, `"Repository":"`+name+`"`) {
			continue
		}
		if out, err := minictr(store, "run", "--rm", name, "cat", "/etc/motd"); err != nil || out != "hello from the second layer\n" {
			t.Errorf("died at %s: image %s is shown, but not whole: %s%v", p, name, out, err)
		}
	}
}

// A point is a moment to die at: on entering a call for the nth time.
type point struct {
	call string
	n    int
}

func (p point) String() string { return fmt.Sprintf("%s %d", p.call, p.n) }

var tracedCall = regexp.MustCompile(`(?m)^\d+ +(\w+)\(`)

// points watches the command once. Of a call that is made often, a few
// occasions stand for the others. Their order is another each time, so that
// over the days time is enough for all.
func (c crash) points(t *testing.T) (points []point) {
	t.Helper()
	store, trace := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	c.prepare(t, store)
	cmd := c.strace(store, "-o", trace, "-e", "trace="+strings.ReplaceAll(c.calls, " ", ","))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("strace: %v\n%s", err, out)
	}
	data, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[string]int)
	for _, m := range tracedCall.FindAllSubmatch(data, -1) {
		count[string(m[1])]++
	}
	for _, call := range strings.Fields(c.calls) {
		for n := 1; n <= count[call]; n += 1 + n/8*4 {
			points = append(points, point{call, n})
		}
	}
	rand.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	return points
}

// strace runs the victim on one processor, so that its calls come in the same
// order again.
func (c crash) strace(store string, options ...string) *exec.Cmd {
	args := append([]string{"-f"}, options...)
	args = append(args, "minictr", "--root", store)
	cmd := exec.Command("strace", append(args, c.victim...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	return cmd
}

// kill runs the victim and tells whether it died.
func (p point) kill(t *testing.T, store string, victim []string) bool {
	t.Helper()
	inject := fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", p.call, p.n)
	cmd := crash{victim: victim}.strace(store, "-o", os.DevNull, "-e", "trace="+p.call, "-e", inject)
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	return false
}

// otherImage is the archive of an image "else", with the layers of "demo".
func otherImage(t *testing.T, demo string) string {
	t.Helper()
	data, err := os.ReadFile(demo)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.ReplaceAll(data, []byte("demo:latest"), []byte("else:latest"))
	data = bytes.ReplaceAll(data, []byte(`"Cmd": ["look"]`), []byte(`"Cmd": ["true"]`))
	path := filepath.Join(t.TempDir(), "other.tar")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
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

// listing is a folder's tree as text: names, modes, sizes of files.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var text strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
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
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}
