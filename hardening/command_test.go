package hardening

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// result is how a command ended.
type result struct {
	code           int // as in a shell: 128+n for death by signal n
	stdout, stderr string
}

// command prepares one of the built programs, with the tests' directories.
func command(name string, args ...string) *exec.Cmd {
	if root, ok := map[string]string{"minictr": store, "minictr-oci": states}[name]; ok {
		args = append([]string{"--root", root}, args...)
	}
	return exec.Command(filepath.Join(bin, name), args...)
}

// run runs a command to its end, and kills it after testkit.Timeout.
func run(cmd *exec.Cmd) result {
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &stderr
	}
	cmd.WaitDelay = testkit.Timeout
	if err := cmd.Start(); err != nil {
		return result{code: -1, stderr: err.Error()}
	}
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	stop()
	r := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	var exit *exec.ExitError
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		r.code = 128 + int(status.Signal())
	} else if err != nil && !errors.As(err, &exit) {
		r.code, r.stderr = -1, r.stderr+err.Error()
	}
	return r
}

// box runs `minictr run --rm FLAGS box WORDS`: "--" ends the flags.
func box(t *testing.T, words ...string) result {
	t.Helper()
	return run(command("minictr", boxArgs(words...)...))
}

// boxArgs puts the image between the flags and the command, which "--" separates, and
// mounts the probe on /probe.
func boxArgs(words ...string) []string {
	args := []string{"run", "--rm", "-v", filepath.Join(bin, "probe") + ":/probe:ro"}
	for i, w := range words {
		if w == "--" {
			args = append(args, words[:i]...)
			return append(append(args, "box"), words[i+1:]...)
		}
	}
	return append(append(args, "box"), words...)
}

// want fails the test unless the exit code is code.
func (r result) want(t *testing.T, code int) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.code, code, r.stdout, r.stderr)
	}
}

// refused fails the test unless the container was not created, with these words in the
// error.
func (r result) refused(t *testing.T, words ...string) {
	t.Helper()
	if r.code != exitFailure && r.code != 1 {
		t.Errorf("exit code %d, want a refusal\nstdout: %s\nstderr: %s", r.code, r.stdout, r.stderr)
	}
	for _, w := range words {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("the error does not say %q: %s", w, r.stderr)
		}
	}
}

// exitFailure is minictr's own failure; minictr-oci's is 1.
const exitFailure = 125

// untouched fails the test if the output shows the content of a canary.
func (r result) untouched(t *testing.T) {
	t.Helper()
	if strings.Contains(r.stdout+r.stderr, "canary of the host") {
		t.Errorf("the container read the canary:\n%s%s", r.stdout, r.stderr)
	}
}

// line returns what follows "KEY: " in the output.
func (r result) line(key string) string {
	for line := range strings.Lines(r.stdout) {
		if k, v, ok := strings.Cut(line, ":"); ok && k == key {
			return strings.Join(strings.Fields(v), " ")
		}
	}
	return "(no such line)"
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
