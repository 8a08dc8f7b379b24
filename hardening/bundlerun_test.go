package hardening

// Bundles that are created, started, entered and deleted.

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// id is the container's ID.
func (b *bundle) id() string { return strings.TrimPrefix(b.spec.Linux.CgroupsPath, "/minictr/") }

// save writes config.json.
func (b *bundle) save(t *testing.T) {
	t.Helper()
	data, err := json.Marshal(b.spec)
	testkit.Check(t, err)
	testkit.Check(t, os.WriteFile(filepath.Join(b.dir, "config.json"), data, 0o644))
}

// oci prepares a command for the bundle's container, as "kill": words after "--" follow
// the ID.
func (b *bundle) oci(name string, flagsAndWords ...string) *exec.Cmd {
	args := append([]string{name}, flagsAndWords...)
	for i, w := range args {
		if w == "--" {
			return command("minictr-oci", append(append(args[:i:i], b.id()), args[i+1:]...)...)
		}
	}
	return command("minictr-oci", append(args, b.id())...)
}

// create creates the container, which writes to the bundle's file "out", and is removed
// with the test.
func (b *bundle) create(t *testing.T, flags ...string) result {
	t.Helper()
	return b.begin(t, b.creating(t, flags...))
}

// creating prepares the create command.
func (b *bundle) creating(t *testing.T, flags ...string) *exec.Cmd {
	t.Helper()
	b.save(t)
	return b.oci("create", append([]string{"--bundle", b.dir}, flags...)...)
}

// begin runs a command that its container outlives: output goes to a file, since a pipe
// would be read to its end.
func (b *bundle) begin(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	t.Cleanup(func() { run(b.oci("delete", "--force")).want(t, 0) })
	out, err := os.OpenFile(filepath.Join(b.dir, "out"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	testkit.Check(t, err)
	defer out.Close()
	before, err := out.Seek(0, io.SeekEnd)
	testkit.Check(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	r := run(cmd)
	said := make([]byte, 4096)
	n, _ := out.ReadAt(said, before)
	r.stderr += string(said[:n])
	return r
}

// out is what the container has written.
func (b *bundle) out(t *testing.T) result {
	t.Helper()
	return result{stdout: testkit.ReadFile(t, filepath.Join(b.dir, "out"))}
}

// live creates and starts the container.
func (b *bundle) live(t *testing.T) {
	t.Helper()
	b.create(t).want(t, 0)
	run(b.oci("start")).want(t, 0)
}

// exec runs another process in it.
func (b *bundle) exec(flagsAndWords ...string) result { return run(b.oci("exec", flagsAndWords...)) }

// state is the output of the command state.
func (b *bundle) state(t *testing.T) (s specs.State) {
	t.Helper()
	r := run(b.oci("state"))
	r.want(t, 0)
	testkit.Check(t, json.Unmarshal([]byte(r.stdout), &s))
	return s
}

// ended waits for the container to stop.
func (b *bundle) ended(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, "the end of the container", func() bool { return b.state(t).Status == specs.StateStopped })
}
