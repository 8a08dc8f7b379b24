package main

// A command may die at any moment. strace(1) makes it die, or the process that
// becomes the container, on entering a chosen system call for the Nth time.
// After each death
//
//   - list works, and what it lists has a state that is true,
//   - the same id can be deleted, created, started and deleted again,
//   - and then there is no folder, no cgroup and no process more than before.

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/runtime/cgroup"
)

// crashTime is how long the deaths of one command go on, if there are enough then.
const (
	crashTime    = 12 * time.Second
	enoughDeaths = 3
)

// crash is a command that dies, and the machine that it finds.
type crash struct {
	bundle, root, group string
	before              []string // commands that come first, each a line
	victim              string
	calls               string // those at which it dies
}

func TestCrash(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("not root, who alone may make containers: use make test")
	}
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed: use make test")
	}
	for _, c := range []crash{
		{victim: "create --bundle BUNDLE one", calls: "mkdirat mknodat renameat renameat2 openat write flock clone3 read fsopen mount_setattr move_mount pivot_root execveat"},
		{before: []string{"create --bundle BUNDLE one"}, victim: "start one", calls: "openat write read flock close"},
		{
			before: []string{"create --bundle BUNDLE one", "start one"}, victim: "exec --detach one sleep 1000",
			calls: "openat write clone3 read setns execveat pidfd_open",
		},
		{before: []string{"create --bundle BUNDLE one"}, victim: "delete --force one", calls: "openat flock renameat unlinkat rmdir pidfd_open pidfd_send_signal write close"},
	} {
		t.Run(strings.Fields(c.victim)[0], func(t *testing.T) { c.test(t) })
	}
}

func (c crash) test(t *testing.T) {
	mount, err := cgroup.Mount()
	if err != nil {
		t.Skip(err)
	}
	name := strings.ReplaceAll(t.Name(), "/", "-")
	c.bundle, c.group = t.TempDir(), filepath.Join(mount, testGroup(), name)
	t.Cleanup(func() { os.Remove(filepath.Dir(c.group)) })
	if err := writeBundle(c.bundle, name, "{}"); err != nil {
		t.Fatal(err)
	}
	points := c.points(t)
	start, died, tried := time.Now(), 0, 0
	for _, p := range points {
		if time.Since(start) > crashTime && died >= enoughDeaths {
			break
		}
		c.prepare(t)
		tried++
		if c.kill(t, p) {
			died++
		}
		if c.truth(t); t.Failed() {
			t.Fatalf("after a death at %s", p)
		}
	}
	t.Logf("%d deaths in %d of %d runs", died, tried, len(points))
	if died < tried/3 || died < enoughDeaths {
		t.Errorf("only %d of %d died", died, tried)
	}
}

func (c *crash) prepare(t *testing.T) {
	t.Helper()
	c.root = t.TempDir()
	for _, line := range c.before {
		c.must(t, line)
	}
}

// truth looks at what is left, and goes on from there.
func (c crash) truth(t *testing.T) {
	t.Helper()
	for id := range strings.FieldsSeq(c.must(t, "list --quiet")) {
		// what is being created when its creator dies, goes with it
		state, _ := c.run(t, "state "+id)
		if !regexp.MustCompile(`"status": "(creating|created|running|stopped)"|container does not exist`).MatchString(state) {
			t.Errorf("state: %s", state)
		}
	}
	c.must(t, "delete --force one")
	c.clean(t)
	for _, line := range []string{"create --bundle BUNDLE one", "start one", "delete --force one"} {
		c.must(t, line)
	}
	c.clean(t)
}

// clean: no folder and no cgroup is left. What a create has left is there until
// its child is, who may yet be on its way to its end.
func (c crash) clean(t *testing.T) {
	t.Helper()
	var left []os.DirEntry
	var group error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		c.must(t, "list")
		left, _ = os.ReadDir(c.root)
		if _, group = os.Stat(c.group); len(left) == 0 && group != nil {
			return
		}
	}
	pids, err := cgroup.Pids(c.group)
	t.Errorf("left over: %v; processes %v %v", left, pids, err)
}

// command is minictr-oci with a line of words. Its streams are files: strace and
// a container keep them open.
func (c crash) command(t *testing.T, line string, before ...string) *exec.Cmd {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	words := append(before, "minictr-oci", "--root", c.root)
	words = append(words, strings.Fields(strings.ReplaceAll(line, "BUNDLE", c.bundle))...)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1") // its calls come in the same order again
	cmd.Stdout, cmd.Stderr = out, out
	return cmd
}

func (c crash) run(t *testing.T, line string) (string, error) {
	t.Helper()
	cmd := c.command(t, line)
	err := cmd.Run()
	out, _ := os.ReadFile(cmd.Stdout.(*os.File).Name())
	return string(out), err
}

func (c crash) must(t *testing.T, line string) string {
	t.Helper()
	out, err := c.run(t, line)
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return out
}

// A point is a moment to die at: on entering a call for the nth time.
type point struct {
	call string
	n    int
}

func (p point) String() string { return fmt.Sprintf("%s %d", p.call, p.n) }

// points watches the command once. Of a call that is made often, a few
// occasions stand for the others. Their order is another each time, so that
// over the days time is enough for all.
func (c crash) points(t *testing.T) (points []point) {
	t.Helper()
	c.prepare(t)
	trace := filepath.Join(t.TempDir(), "trace")
	// -D: the tracer stays behind, as long as the container lives
	cmd := c.command(t, c.victim, "strace", "-D", "-f", "-o", trace, "-e", "trace="+strings.ReplaceAll(c.calls, " ", ","))
	if err := cmd.Run(); err != nil {
		t.Fatalf("strace: %v", err)
	}
	c.must(t, "delete --force one")
	data, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[string]int)
	for _, m := range regexp.MustCompile(`(?m)^\d+ +(\w+)\(`).FindAllSubmatch(data, -1) {
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

// kill runs the victim, and tells whether it died or could not go on because
// the container's process did.
func (c crash) kill(t *testing.T, p point) bool {
	t.Helper()
	err := c.command(t, c.victim, "strace", "-D", "-f", "-o", os.DevNull, "-e", "trace="+p.call,
		"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", p.call, p.n)).Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status := exit.Sys().(syscall.WaitStatus)
		return status.Signal() == syscall.SIGKILL || status.ExitStatus() == 1
	}
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	return false
}
