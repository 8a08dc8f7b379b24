package main

// A command may be killed at any moment, or the process that becomes the container.
// After each kill
//
//   - list works, and what it lists has a state that is true,
//   - the same id can be deleted, created, started and deleted again,
//   - and then there is no directory, no cgroup and no process more than before.

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
)

// crash is a command that is killed, and the state directory that it finds.
type crash struct {
	bundle, root, group string
	before              []string // commands that come first, each a line
	victim              string
	calls               string // those at which it is killed
	patch               string // of the config; "" for none
}

func TestCrash(t *testing.T) {
	testkit.NeedRoot(t)
	create := "create --bundle BUNDLE one"
	for _, c := range []crash{
		{victim: create, calls: `mkdirat mknodat renameat renameat2 openat write flock clone3 read fsopen mount_setattr
			move_mount pivot_root execveat`},
		{before: []string{create}, victim: "start one", calls: "openat write read flock close"},
		{before: []string{create, "start one"}, victim: "exec --detach one sleep 1000",
			calls: "openat write clone3 read setns execveat pidfd_open"},
		{before: []string{create}, victim: "delete --force one", calls: `openat flock renameat unlinkat rmdir pidfd_open
			pidfd_send_signal write close`},
		{victim: "run --detach --bundle BUNDLE one", calls: `mkdirat renameat2 openat write flock clone3 read move_mount
			execveat close`},
		{victim: "run --keep --pid-file BUNDLE/pid --bundle BUNDLE one", patch: `{"process": {"args": ["true"]}}`,
			calls: "mkdirat renameat renameat2 openat write flock clone3 read execveat wait4 close"},
		{before: []string{create, "start one"}, victim: "kill one KILL",
			calls: "openat flock write read pidfd_open pidfd_send_signal close"},
		{victim: create, patch: hooked, calls: "openat write read clone3 setns execveat memfd_create wait4 poll"},
		{before: []string{create}, victim: "start one", patch: hooked,
			calls: "openat write read clone3 setns execveat memfd_create wait4 poll close"},
		{before: []string{create}, victim: "delete --force one", patch: hooked,
			calls: "openat renameat unlinkat rmdir write read clone3 execveat memfd_create wait4 poll"},
	} {
		name := strings.Fields(c.victim)[0]
		if c.patch == hooked {
			name += "-hooks"
		}
		t.Run(name, func(t *testing.T) { c.test(t) })
	}
}

// hooked is a config with hooks of each kind.
const hooked = `{"hooks": {
	"createRuntime": [{"path": "/bin/true"}], "createContainer": [{"path": "/bin/true"}],
	"startContainer": [{"path": "/bin/true"}],
	"poststart": [{"path": "/bin/true"}], "poststop": [{"path": "/bin/true"}]}}`

func (c crash) test(t *testing.T) {
	mount, err := cgroup.Mount()
	if err != nil {
		t.Skip(err)
	}
	name := strings.ReplaceAll(t.Name(), "/", "-")
	c.bundle, c.group = t.TempDir(), filepath.Join(mount, testGroup(), name)
	t.Cleanup(func() { os.Remove(filepath.Dir(c.group)) })
	testkit.Check(t, writeBundle(c.bundle, name, cmp.Or(c.patch, "{}")))
	testkit.KillAt(t, testkit.Kill{
		Command: func(t *testing.T) *exec.Cmd {
			c.root = t.TempDir()
			for _, line := range c.before {
				c.must(t, line)
			}
			return c.command(t, c.victim)
		},
		Calls: c.calls,
		Truth: func(t *testing.T, _ testkit.Killed) { c.truth(t) },
		Clean: func(t *testing.T, _ testkit.Killed) {
			c.must(t, "delete --force one")
			c.clean(t)
			for _, line := range []string{"create --bundle BUNDLE one", "start one", "delete --force one"} {
				c.must(t, line)
			}
			c.clean(t)
		},
		Detached: true,
		Limit:    12 * time.Second,
		Enough:   3,
	})
}

// truth fails the test unless each container that is listed has a state.
func (c crash) truth(t *testing.T) {
	t.Helper()
	for id := range strings.FieldsSeq(c.must(t, "list --quiet")) {
		// a container that is being created goes with its creator
		state, _ := c.run(t, "state "+id)
		known := regexp.MustCompile(`"status": "(creating|created|running|stopped)"|container does not exist`)
		if !known.MatchString(state) {
			t.Errorf("state: %s", state)
		}
	}
}

// clean fails the test unless no directory and no cgroup is left. A create that was
// killed leaves some until its child has exited, too.
func (c crash) clean(t *testing.T) {
	t.Helper()
	var left []os.DirEntry
	if !testkit.Within(func() bool {
		c.must(t, "list")
		left = leftover(t, c.root)
		_, err := os.Stat(c.group)
		return len(left) == 0 && err != nil
	}) {
		pids, err := cgroup.Pids(c.group)
		t.Errorf("left over: %v; processes %v %v", left, pids, err)
	}
}

// leftover returns what is in a state root, but for its mark.
func leftover(t *testing.T, root string) []os.DirEntry {
	t.Helper()
	all, err := os.ReadDir(root)
	testkit.Check(t, err)
	return slices.DeleteFunc(all, func(e os.DirEntry) bool { return e.Name() == owned.MarkName })
}

// command is minictr-oci with a line of words. Its streams are files, which a container
// keeps open.
func (c crash) command(t *testing.T, line string) *exec.Cmd {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	testkit.Check(t, err)
	t.Cleanup(func() { out.Close() })
	words := append([]string{"--root", c.root}, strings.Fields(strings.ReplaceAll(line, "BUNDLE", c.bundle))...)
	cmd := exec.Command("minictr-oci", words...)
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
