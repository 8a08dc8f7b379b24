package validation

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// atHand returns the folder of the programs and the runtime that they are to
// call. On the host they are built first; into the virtual machine, where there
// is no source, scripts/test-vm has brought them.
func atHand(t *testing.T) (dir, runtimeCommand string) {
	t.Helper()
	dir, err := filepath.Abs("../bin/validation")
	testkit.Check(t, err)
	if inMachineHere() {
		return dir, "/bin/minictr-oci"
	}
	if _, err := execute("", "./build", dir); err != nil {
		t.Fatal(err)
	}
	if named := os.Getenv(runtimeEnv); named != "" {
		path, err := exec.LookPath(named)
		testkit.Check(t, err)
		return dir, path
	}
	runtimeCommand = filepath.Join(t.TempDir(), "minictr-oci")
	if _, err := execute("..", "go", "build", "-tags=urfave_cli_no_docs", "-o", runtimeCommand,
		"./cmd/minictr-oci"); err != nil {
		t.Fatal(err)
	}
	return dir, runtimeCommand
}

// inMachineHere tells whether this is the virtual machine.
func inMachineHere() bool {
	_, err := os.Stat("../go.mod")
	return err != nil
}

// programs lists those that build has made.
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

// execute runs a command in a folder and returns what it printed, without the last
// newline.
func execute(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", cmd, err, out, stderr.Bytes())
	}
	return string(bytes.TrimSuffix(out, []byte("\n"))), nil
}
