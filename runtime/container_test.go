package runtime

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// A container with a life, told as an engine would: c.oci("create"), c.oci("start").

type container struct {
	program, dir, id string
	inherited        []*os.File // by minictr-oci, from number 3 on
}

var containers atomic.Int64

// newContainer writes the bundle of a container that runs a shell's words. It is
// deleted at the end, if it was made.
func newContainer(t *testing.T, change func(*specs.Spec), words string) *container {
	t.Helper()
	c := &container{program: oci(t), id: fmt.Sprintf("life-%d-%d", os.Getpid(), containers.Add(1))}
	c.dir = fieldsBundle(t, change, words)
	t.Cleanup(func() {
		if out, err := c.oci("delete", "--force", c.id); err != nil {
			t.Errorf("delete: %v\n%s", err, out)
		}
	})
	return c
}

// file is a file's path in the bundle's folder.
func (c *container) file(name string) string { return filepath.Join(c.dir, name) }

// oci runs a command of minictr-oci. What it and the container's process write
// goes to a file: a pipe would be open for as long as the container lives.
func (c *container) oci(words ...string) (output string, err error) {
	file, err := os.CreateTemp(c.dir, "output")
	if err != nil {
		return "", err
	}
	defer file.Close()
	cmd := exec.Command(c.program, append([]string{"--root", c.file("state")}, words...)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir, cmd.ExtraFiles = file, file, c.dir, c.inherited
	err = cmd.Run()
	data, readErr := os.ReadFile(file.Name())
	return strings.TrimSpace(string(data)), errors.Join(err, readErr)
}

// must runs a command that has to succeed.
func (c *container) must(t *testing.T, words ...string) string {
	t.Helper()
	out, err := c.oci(words...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
	return out
}

func (c *container) create(t *testing.T) { t.Helper(); c.must(t, "create", "--bundle", c.dir, c.id) }
func (c *container) start(t *testing.T)  { t.Helper(); c.must(t, "start", c.id) }

// run runs the container to its end.
func (c *container) run(t *testing.T) string {
	t.Helper()
	return c.must(t, "run", "--bundle", c.dir, c.id)
}

// sh runs a shell's words as another process.
func (c *container) sh(t *testing.T, words string) string {
	t.Helper()
	return c.must(t, "exec", c.id, "sh", "-c", words)
}

// written waits for a file that ends a line.
func written(t *testing.T, path string) string { t.Helper(); return awaitEnd(t, path, "\n") }

// report waits for a file whose last line is done, and returns the others.
func report(t *testing.T, path string) string { t.Helper(); return awaitEnd(t, path, "done\n") }

func awaitEnd(t *testing.T, path, end string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		data, _ := os.ReadFile(path)
		if text, ok := strings.CutSuffix(string(data), end); ok {
			return strings.TrimSpace(text)
		}
	}
	t.Fatalf("%s: nothing is written", path)
	return ""
}
