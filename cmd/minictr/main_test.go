package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

// The command line is tested as it is used: this test binary, run under the
// name minictr, is minictr. What a user types and sees is written down in
// testdata/script, one file a command or feature, to be read as its manual.
//
// A script finds the image "demo" in its store (MINICTR_ROOT), and these words
// besides testscript's own:
//
//	cgroup NAME FILE TEXT the file of the container's cgroup says so
//	uses NAME BYTES       wait until the container uses so much memory
//	serve DIR             offer the files of a directory at $URL
//	[torture]             an image that Docker has saved lies in $TORTURE
//	$CONTRIB              what packagers install besides the programs
//
// and those of testkit.Words and testkit.Condition.
func TestMain(m *testing.M) {
	// a container without the trampoline executes it as /proc/self/exe
	testscript.Main(m, map[string]func(){"minictr": main, "exe": main})
}

const torture = "../../../shared/images/torture"

func TestScript(t *testing.T) {
	testkit.NeedRoot(t)
	archive := testkit.DemoImage(t)
	testscript.Run(t, testscript.Params{
		Dir:       "testdata/script",
		Setup:     func(e *testscript.Env) error { return setUp(e, archive) },
		Cmds:      scriptWords(),
		Condition: condition,
	})
}

// setUp gives a script a store of its own, which all users can reach, like
// /var/lib/minictr.
func setUp(e *testscript.Env, archive string) error {
	store := filepath.Join(e.WorkDir, "store")
	images, err := filepath.Abs(torture)
	if err != nil {
		return err
	}
	contrib, err := filepath.Abs("../../contrib")
	if err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(commandPath()), filepath.Dir(filepath.Dir(commandPath())),
		filepath.Dir(e.WorkDir), e.WorkDir} {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	e.Setenv("MINICTR_ROOT", store)
	e.Setenv("DEMO", archive)
	e.Setenv("TORTURE", images)
	e.Setenv("CONTRIB", contrib)
	e.Setenv("USER", "root")
	e.Defer(func() { removeAll(store) })
	load := exec.Command(commandPath(), "load", "-q", "-i", archive)
	load.Env = append(os.Environ(), "MINICTR_ROOT="+store)
	if out, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("minictr load: %w\n%s", err, out)
	}
	return nil
}

// removeAll removes the containers that a failed script has left, whose processes would
// survive.
func removeAll(store string) {
	list, _ := container.List(store)
	for _, c := range list {
		lifecycle.Remove(store, c.ID, true, true)
	}
}

// commandPath is the path of the command minictr during tests.
func commandPath() string {
	path, err := exec.LookPath("minictr")
	if err != nil {
		panic(err)
	}
	return path
}

func condition(word string) (bool, error) {
	if word == "torture" {
		_, err := os.Stat(torture)
		return err == nil, nil
	}
	return testkit.Condition(word)
}
