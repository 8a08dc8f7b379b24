package runtime

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// The tests of this package that make containers do it as an engine would, with
// the program minictr-oci. It is built once.

var program struct {
	once   sync.Once
	folder string
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if program.folder != "" {
		os.RemoveAll(program.folder)
	}
	os.Exit(code)
}

// oci is the program's path. In the virtual machine of scripts/test-vm it lies in
// /bin.
func oci(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("containers are made by root")
	}
	if _, err := os.Stat("../go.mod"); err != nil {
		return "/bin/minictr-oci"
	}
	program.once.Do(func() { program.err = build() })
	if program.err != nil {
		t.Fatal(program.err)
	}
	return filepath.Join(program.folder, "minictr-oci")
}

func build() (err error) {
	if program.folder, err = os.MkdirTemp("", "minictr-oci"); err != nil {
		return err
	}
	out, err := exec.Command("go", "build", "-o", program.folder, "../cmd/minictr-oci").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// shell runs a shell's words on the host.
func shell(t *testing.T, dir, words string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", words)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", words, err, out)
	}
	return string(out)
}
