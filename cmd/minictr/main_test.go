package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// The command line is tested as it is used: this test binary, run under the
// name minictr, is minictr. What a user types and sees is written down in
// testdata/script, one file a command or feature, to be read as its manual.
//
// A script finds the image "demo" in its store (MINICTR_ROOT), and these words
// besides testscript's own:
//
//	exits CODE COMMAND…   the command ends with this exit code
//	await FILE            wait until the file is there
//	cgroup NAME FILE TEXT the file of the container's cgroup says so
//	uses NAME BYTES       wait until the container uses so much memory
//	[torture]             a real image, saved by a real Docker, lies in $TORTURE
//	[controller:memory]   cgroup v2 of this machine has the controller
//	[linux:6.15]          the kernel is that one, or a newer one
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"minictr": main})
}

const torture = "../../../shared/images/torture"

func TestScript(t *testing.T) {
	needRoot(t)
	archive := demoImage(t)
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: func(e *testscript.Env) error { return setUp(e, archive) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "await": await, "cgroup": cgroupFile, "uses": uses,
		},
		Condition: condition,
	})
}

// needRoot skips a test that makes containers.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("not root, who alone may make containers: use make test")
	}
}

// demoImage makes the image "demo" (see scripts/demo-image). In the virtual machine
// of scripts/test-vm it is there.
func demoImage(t *testing.T) (archive string) {
	t.Helper()
	if made := os.Getenv("DEMO_IMAGE"); made != "" {
		return made
	}
	if _, err := os.Stat("/var/lib/dpkg/info/busybox-static.list"); err != nil {
		t.Skip("Debian's busybox-static is not installed: use make test")
	}
	archive = filepath.Join(t.TempDir(), "demo.tar")
	if out, err := exec.Command("../../scripts/demo-image", archive).CombinedOutput(); err != nil {
		t.Fatalf("scripts/demo-image: %v\n%s", err, out)
	}
	return archive
}

// setUp gives a script a store of its own, which everybody can find, as
// /var/lib/minictr is.
func setUp(e *testscript.Env, archive string) error {
	store := filepath.Join(e.WorkDir, "store")
	images, err := filepath.Abs(torture)
	if err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(commandPath()), filepath.Dir(filepath.Dir(commandPath())), filepath.Dir(e.WorkDir), e.WorkDir} {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	e.Setenv("MINICTR_ROOT", store)
	e.Setenv("DEMO", archive)
	e.Setenv("TORTURE", images)
	e.Setenv("USER", "root")
	e.Defer(func() { removeAll(store) })
	load := exec.Command(commandPath(), "load", "-q", "-i", archive)
	load.Env = append(os.Environ(), "MINICTR_ROOT="+store)
	if out, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("minictr load: %w\n%s", err, out)
	}
	return nil
}

// removeAll removes the containers that a script which failed has left: theirs are
// processes that would live on.
func removeAll(store string) {
	list, _ := container.List(store)
	for _, c := range list {
		lifecycle.Remove(store, c.ID, true)
	}
}

// commandPath is where the command minictr lies while tests run.
func commandPath() string {
	path, err := exec.LookPath("minictr")
	if err != nil {
		panic(err)
	}
	return path
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	got := 0
	if exit != nil {
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	if !within(func() bool { _, err := os.Stat(ts.MkAbs(args[0])); return err == nil }) {
		ts.Fatalf("%s: not there after %v", args[0], patience)
	}
}

func condition(word string) (bool, error) {
	kind, name, _ := strings.Cut(word, ":")
	switch kind {
	case "torture":
		_, err := os.Stat(torture)
		return err == nil, nil
	case "linux":
		return linux(name)
	case "controller":
		mount, err := cgroup.Mount()
		if err != nil {
			return false, err
		}
		for _, c := range cgroup.Available(mount) {
			if c == name {
				return true, nil
			}
		}
		return false, nil
	}
	return false, fmt.Errorf("condition %q: unknown", word)
}

// linux tells whether the kernel is not older.
func linux(version string) (bool, error) {
	var name unix.Utsname
	var want, is [2]int
	if err := unix.Uname(&name); err != nil {
		return false, err
	}
	_, err := fmt.Sscanf(version, "%d.%d", &want[0], &want[1])
	_, failed := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &is[0], &is[1])
	return slices.Compare(is[:], want[:]) >= 0, errors.Join(err, failed)
}
