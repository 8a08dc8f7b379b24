package validation

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// programsAndRuntime returns the directory of the programs, and the runtime for them.
// It builds them, but not in the virtual machine, where scripts/test-vm has put them.
func programsAndRuntime(t *testing.T) (dir, runtimeCommand string) {
	t.Helper()
	dir, err := filepath.Abs("../bin/validation")
	testkit.Check(t, err)
	if isMachine() {
		return dir, "/usr/local/bin/minictr-oci"
	}
	execute(t, "", "./build", dir)
	if named := os.Getenv(runtimeEnv); named != "" {
		path, err := exec.LookPath(named)
		testkit.Check(t, err)
		return dir, path
	}
	runtimeCommand = filepath.Join(t.TempDir(), "minictr-oci")
	execute(t, "..", "go", "build", "-tags=urfave_cli_no_docs", "-o", runtimeCommand, "./cmd/minictr-oci")
	return dir, runtimeCommand
}

// isMachine reports whether this is the virtual machine: it has no source.
func isMachine() bool {
	_, err := os.Stat("../go.mod")
	return err != nil
}

// programs returns the names of the programs that build makes.
func programs(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	var names []string
	for _, f := range list {
		if filepath.Ext(f.Name()) == "" && f.Name() != "runtimetest" {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names)
	return names, err
}

// execute runs a command in a directory.
func execute(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}
