package runtime

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// What the mounts of a config are to the programs in the container, and to the
// host: a shell of busybox looks at them from inside. Each test has a mount
// namespace to itself, in which it plays the host.

// bundle is a folder with a root of busybox and the config of a container that
// may mount.
type bundle struct {
	program, dir, root string
	spec               *specs.Spec
}

var bundles atomic.Int64

// newBundle makes one on a filesystem of its own, whose mount on the host is
// shared, as systemd makes all of them.
func newBundle(t *testing.T, program string) *bundle {
	t.Helper()
	b := &bundle{program: program, dir: t.TempDir()}
	goruntime.LockOSThread() // for good: the namespace ends with the thread
	try(t, unix.Unshare(unix.CLONE_NEWNS))
	try(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	try(t, unix.Mount("tmpfs", b.dir, "tmpfs", 0, ""))
	t.Cleanup(func() { unix.Unmount(b.dir, unix.MNT_DETACH) })
	try(t, unix.Mount("", b.dir, "", unix.MS_SHARED, ""))
	b.root = filepath.Join(b.dir, "rootfs")
	try(t, testkit.Root(b.root, "etc proc tmp lent", "sh cat grep ls touch mkdir rm mount stat ln chown cut mv"))
	caps := []string{"CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER"}
	b.spec = &specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: "rootfs"},
		Process: &specs.Process{Env: []string{"PATH=/bin"}, Cwd: "/",
			Capabilities: &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps}},
		Mounts: []specs.Mount{{Destination: "/proc", Type: "proc", Source: "proc"}},
		Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{{Type: specs.PIDNamespace},
			{Type: specs.MountNamespace}, {Type: specs.IPCNamespace}}},
	}
	return b
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dir makes one in the bundle, with a file and, below it, another mount with
// a file.
func (b *bundle) folder(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(b.dir, name)
	try(t, os.MkdirAll(filepath.Join(path, "below"), 0o755))
	try(t, os.WriteFile(filepath.Join(path, "file"), []byte("text\n"), 0o644))
	try(t, unix.Mount("tmpfs", filepath.Join(path, "below"), "tmpfs", 0, ""))
	try(t, os.WriteFile(filepath.Join(path, "below/file"), []byte("text below\n"), 0o644))
	return path
}

func (b *bundle) mount(destination, fstype, source string, options ...string) *specs.Mount {
	b.spec.Mounts = append(b.spec.Mounts, specs.Mount{Destination: destination, Type: fstype, Source: source,
		Options: options})
	return &b.spec.Mounts[len(b.spec.Mounts)-1]
}

// mapped gives the container a user namespace, and the root to it.
func (b *bundle) mapped(t *testing.T, id uint32) {
	t.Helper()
	b.spec.Linux.Namespaces = append(b.spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	b.spec.Linux.UIDMappings = []specs.LinuxIDMapping{{HostID: id, Size: 1000}}
	b.spec.Linux.GIDMappings = b.spec.Linux.UIDMappings
	for _, name := range []string{"", "etc", "tmp"} {
		try(t, os.Chown(filepath.Join(b.root, name), int(id), int(id)))
	}
	try(t, os.Chmod(b.dir, 0o755))
	try(t, os.Chmod(filepath.Dir(b.dir), 0o755))
}

// command runs a shell's words in the container.
func (b *bundle) command(t *testing.T, words string) *exec.Cmd {
	t.Helper()
	b.spec.Process.Args = []string{"sh", "-c", words}
	data, err := json.Marshal(b.spec)
	try(t, err)
	try(t, os.WriteFile(filepath.Join(b.dir, "config.json"), data, 0o644))
	return exec.Command(b.program, "run", "--bundle", b.dir, fmt.Sprintf("mounts-%d-%d", os.Getpid(), bundles.Add(1)))
}

func (b *bundle) run(t *testing.T, words string) string {
	t.Helper()
	out, _ := b.command(t, words).CombinedOutput()
	return strings.TrimSpace(string(out))
}

func want(t *testing.T, got, wanted string) {
	t.Helper()
	if got != wanted {
		t.Errorf("got:\n%s\nwant:\n%s", got, wanted)
	}
}

// see is what mountinfo says of a place: its attributes and its propagation.
const see = `see() { grep " $1 " /proc/self/mountinfo | cut -d' ' -f6,7 |
	while read a p; do echo "$a ${p%%:*}"; done; }; `

// talk runs the container, and the host's part when the container has printed a
// line; then the container goes on.
func (b *bundle) talk(t *testing.T, words string, host func()) (rest string) {
	t.Helper()
	cmd := b.command(t, words)
	in, err := cmd.StdinPipe()
	try(t, err)
	out, err := cmd.StdoutPipe()
	try(t, err)
	cmd.Stderr = os.Stderr
	try(t, cmd.Start())
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err == nil {
		host()
	}
	fmt.Fprintln(in, "go on")
	text, err := io.ReadAll(lines)
	try(t, err)
	cmd.Wait()
	return strings.TrimSpace(string(text))
}
