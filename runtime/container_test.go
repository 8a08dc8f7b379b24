package runtime

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The tests of this package make containers as an engine does, with the program
// minictr-oci: c.oci("create", c.id), c.oci("start", c.id). A shell of busybox in the
// container prints what it finds there.

// program is minictr-oci, built once.
var program struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if program.dir != "" {
		os.RemoveAll(program.dir)
	}
	os.Exit(code)
}

// oci returns the path of minictr-oci: /usr/local/bin in the virtual machine of scripts/test-vm.
func oci(t *testing.T) string {
	t.Helper()
	testkit.NeedRoot(t)
	if _, err := os.Stat("../go.mod"); err != nil {
		return "/usr/local/bin/minictr-oci"
	}
	program.once.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "minictr-oci"); program.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", program.dir, "../cmd/minictr-oci").CombinedOutput()
		if err != nil {
			program.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	testkit.Check(t, program.err)
	return filepath.Join(program.dir, "minictr-oci")
}

// shell runs a script on the host.
func shell(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// container is a bundle, and the container that is made of it.
type container struct {
	program, dir, id string
	spec             *specs.Spec // config.json
	inherited        []*os.File  // by minictr-oci, from descriptor 3 on
}

var containers atomic.Int64

// newContainer returns the bundle of a container that runs a script. The container is
// deleted at the end.
func newContainer(t *testing.T, change func(*specs.Spec), script string) *container {
	t.Helper()
	c := &container{program: oci(t), dir: t.TempDir(), id: fmt.Sprintf("test-%d-%d", os.Getpid(), containers.Add(1))}
	c.makeRoot(t, "proc sys/fs/cgroup dev")
	c.spec = &specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: c.file("rootfs")},
		Process: &specs.Process{Args: []string{"sh", "-c", script}, Env: []string{"PATH=/bin"}, Cwd: "/",
			NoNewPrivileges: true, Capabilities: &specs.LinuxCapabilities{}},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs"},
		},
		Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{{Type: specs.PIDNamespace},
			{Type: specs.MountNamespace}, {Type: specs.IPCNamespace}}},
	}
	change(c.spec)
	t.Cleanup(func() {
		if out, err := c.oci("delete", "--force", c.id); err != nil {
			t.Errorf("delete: %v\n%s", err, out)
		}
	})
	return c
}

func unchanged(*specs.Spec) {}

func (c *container) makeRoot(t *testing.T, dirs string) {
	t.Helper()
	testkit.Check(t, testkit.Root(c.file("rootfs"), dirs, "sh cat chown cut find grep head id ionice ip ln logger ls "+
		"mkdir mount mv readlink rm sleep stat stty test touch tr uname wc"))
}

// file returns the path of a file in the bundle.
func (c *container) file(name string) string { return filepath.Join(c.dir, name) }

// oci runs a command of minictr-oci in the bundle. Its output, and that of the
// container, goes to a file: a pipe would stay open as long as the container runs.
func (c *container) oci(words ...string) (output string, err error) {
	file, err := os.CreateTemp(c.dir, "output")
	if err != nil {
		return "", err
	}
	defer file.Close()
	cmd := c.command(words...)
	cmd.Stdout, cmd.Stderr = file, file
	err = cmd.Run()
	data, readErr := os.ReadFile(file.Name())
	return strings.TrimSpace(string(data)), errors.Join(err, readErr)
}

// command writes config.json for a command of minictr-oci.
func (c *container) command(words ...string) *exec.Cmd {
	cmd := exec.Command(c.program, append([]string{"--root", c.file("state")}, words...)...)
	cmd.Dir, cmd.ExtraFiles = c.dir, c.inherited
	config, err := json.Marshal(c.spec)
	cmd.Err = errors.Join(cmd.Err, err, os.WriteFile(c.file("config.json"), config, 0o644))
	return cmd
}

// must returns the output of a command that succeeds.
func (c *container) must(t *testing.T, words ...string) string {
	t.Helper()
	out, err := c.oci(words...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
	return out
}

// fails fails the test unless a command fails and prints each of the texts. A script
// "echo it runs" must not be run.
func (c *container) fails(t *testing.T, command []string, texts ...string) {
	t.Helper()
	out, err := c.oci(command...)
	missing := func(text string) bool { return !strings.Contains(out, text) }
	if err == nil || slices.ContainsFunc(texts, missing) || strings.Contains(out, "it runs") {
		t.Errorf("%s: %v\n%s\nwant an error with %q", strings.Join(command, " "), err, out, texts)
	}
}

func (c *container) create(t *testing.T) { t.Helper(); c.must(t, "create", c.id) }
func (c *container) start(t *testing.T)  { t.Helper(); c.must(t, "start", c.id) }

// run runs the container until it exits.
func (c *container) run(t *testing.T) string { t.Helper(); return c.must(t, "run", c.id) }

// runFails is fails with the command run.
func (c *container) runFails(t *testing.T, texts ...string) {
	t.Helper()
	c.fails(t, []string{"run", c.id}, texts...)
}

// sh runs a script as another process.
func (c *container) sh(t *testing.T, script string) string {
	t.Helper()
	return c.must(t, "exec", c.id, "sh", "-c", script)
}

func (c *container) pid(t *testing.T) int {
	t.Helper()
	var s specs.State
	testkit.Check(t, json.Unmarshal([]byte(c.must(t, "state", c.id)), &s))
	return s.Pid
}

// wantGone fails the test if the container exists.
func (c *container) wantGone(t *testing.T) {
	t.Helper()
	c.fails(t, []string{"state", c.id}, "does not exist")
}

func want(t *testing.T, got, wanted string) {
	t.Helper()
	if got != wanted {
		t.Errorf("got:\n%s\nwant:\n%s", got, wanted)
	}
}

// written waits until a file ends with a newline.
func written(t *testing.T, path string) string { t.Helper(); return awaitEnd(t, path, "\n") }

// report waits until the last line of a file is "done", and returns the others.
func report(t *testing.T, path string) string { t.Helper(); return awaitEnd(t, path, "done\n") }

func awaitEnd(t *testing.T, path, end string) (text string) {
	t.Helper()
	testkit.Eventually(t, path+" ends with "+end, func() (ok bool) {
		data, _ := os.ReadFile(path)
		text, ok = strings.CutSuffix(string(data), end)
		return ok
	})
	return strings.TrimSpace(text)
}

// newMounts gives the thread of the test a mount namespace, which ends with the thread.
func newMounts(t *testing.T) {
	t.Helper()
	testkit.NeedRoot(t)
	goruntime.LockOSThread()
	testkit.Check(t, unix.Unshare(unix.CLONE_NEWNS), unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
}

// newBundle returns a container that may mount. Its bundle is a filesystem of its own,
// whose mount is shared, as systemd makes all of them, in a mount namespace that plays
// the host's.
func newBundle(t *testing.T) *container {
	t.Helper()
	newMounts(t)
	b := newContainer(t, unchanged, "")
	testkit.Check(t, unix.Mount("tmpfs", b.dir, "tmpfs", 0, ""), unix.Mount("", b.dir, "", unix.MS_SHARED, ""))
	t.Cleanup(func() { unix.Unmount(b.dir, unix.MNT_DETACH) })
	b.makeRoot(t, "etc proc tmp lent")
	b.spec.Root.Path = "rootfs"
	caps := []string{"CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER"}
	b.spec.Process.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps}
	b.spec.Process.NoNewPrivileges = false
	b.spec.Mounts = b.spec.Mounts[:1] // of /proc
	return b
}

// tree makes a directory in the bundle, with a file and a mount with a file.
func (c *container) tree(t *testing.T, name string) string {
	t.Helper()
	path := c.file(name)
	testkit.Check(t, os.MkdirAll(filepath.Join(path, "below"), 0o755),
		os.WriteFile(filepath.Join(path, "file"), []byte("text\n"), 0o644),
		unix.Mount("tmpfs", filepath.Join(path, "below"), "tmpfs", 0, ""),
		os.WriteFile(filepath.Join(path, "below/file"), []byte("text below\n"), 0o644))
	return path
}

func (c *container) mount(destination, fstype, source string, options ...string) *specs.Mount {
	c.spec.Mounts = append(c.spec.Mounts, specs.Mount{Destination: destination, Type: fstype, Source: source,
		Options: options})
	return &c.spec.Mounts[len(c.spec.Mounts)-1]
}

// mapRoot gives the container a user namespace, and the root filesystem to its root.
func (c *container) mapRoot(t *testing.T, id uint32) {
	t.Helper()
	mapped(id)(c.spec)
	for _, name := range []string{"", "etc", "tmp"} {
		testkit.Check(t, os.Chown(c.file(filepath.Join("rootfs", name)), int(id), int(id)))
	}
	testkit.Check(t, os.Chmod(c.dir, 0o755), os.Chmod(filepath.Dir(c.dir), 0o755))
}

// mapped gives a container a user namespace, whose root is the user id.
func mapped(id uint32) func(*specs.Spec) {
	return func(s *specs.Spec) {
		in(specs.UserNamespace, "")(s)
		s.Linux.UIDMappings[0].HostID = id // GIDMappings is the same slice
	}
}

// output returns what a script prints in the container, whatever its exit code.
func (c *container) output(script string) string {
	c.spec.Process.Args[2] = script
	out, _ := c.oci("run", c.id)
	return out
}

// see prints the attributes and the propagation of a mount.
const see = `see() { grep " $1 " /proc/self/mountinfo | cut -d' ' -f6,7 |
	while read a p; do echo "$a ${p%%:*}"; done; }; `

// outputAround calls host when a script has printed a line; then the script may read
// one, and what it prints next is returned.
func (c *container) outputAround(t *testing.T, script string, host func()) (rest string) {
	t.Helper()
	c.spec.Process.Args[2] = script
	cmd := c.command("run", c.id)
	in, err := cmd.StdinPipe()
	testkit.Check(t, err)
	out, err := cmd.StdoutPipe()
	testkit.Check(t, err)
	cmd.Stderr = os.Stderr
	testkit.Check(t, cmd.Start())
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err == nil {
		host()
	}
	fmt.Fprintln(in, "go on")
	text, err := io.ReadAll(lines)
	testkit.Check(t, err)
	cmd.Wait()
	return strings.TrimSpace(string(text))
}
