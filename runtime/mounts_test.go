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
	for _, name := range []string{"bin", "etc", "proc", "tmp", "lent"} {
		try(t, os.MkdirAll(filepath.Join(b.root, name), 0o755))
	}
	busybox, err := os.ReadFile("/bin/busybox")
	try(t, err)
	try(t, os.WriteFile(filepath.Join(b.root, "bin/busybox"), busybox, 0o755))
	for _, name := range strings.Fields("sh cat grep ls touch mkdir rm mount stat ln chown cut mv") {
		try(t, os.Symlink("busybox", filepath.Join(b.root, "bin", name)))
	}
	caps := []string{"CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER"}
	b.spec = &specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: "rootfs"},
		Process: &specs.Process{Env: []string{"PATH=/bin"}, Cwd: "/",
			Capabilities: &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps}},
		Mounts: []specs.Mount{{Destination: "/proc", Type: "proc", Source: "proc"}},
		Linux:  &specs.Linux{Namespaces: []specs.LinuxNamespace{{Type: specs.PIDNamespace}, {Type: specs.MountNamespace}, {Type: specs.IPCNamespace}}},
	}
	return b
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// folder makes one in the bundle, with a file and, below it, another mount with
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
	b.spec.Mounts = append(b.spec.Mounts, specs.Mount{Destination: destination, Type: fstype, Source: source, Options: options})
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
const see = `see() { grep " $1 " /proc/self/mountinfo | cut -d' ' -f6,7 | while read a p; do echo "$a ${p%%:*}"; done; }; `

// TestAttributes: each word is seen in mountinfo, for a filesystem, for a bind
// mount, and for the mounts below that where the word has an r.
func TestAttributes(t *testing.T) {
	program := oci(t)
	for _, test := range []struct{ options, fs, bind, below string }{
		{"", "rw,relatime", "rw,relatime", "rw,relatime"},
		{"ro", "ro,relatime", "ro,relatime", "rw,relatime"},
		{"rro", "ro,relatime", "ro,relatime", "ro,relatime"},
		{"rro,rw", "rw,relatime", "rw,relatime", "ro,relatime"},
		{"nosuid,nodev,noexec", "rw,nosuid,nodev,noexec,relatime", "rw,nosuid,nodev,noexec,relatime", "rw,relatime"},
		{"rnosuid,rnodev,rnoexec", "rw,nosuid,nodev,noexec,relatime", "rw,nosuid,nodev,noexec,relatime", "rw,nosuid,nodev,noexec,relatime"},
		{"noatime,nodiratime", "rw,noatime,nodiratime", "rw,noatime,nodiratime", "rw,relatime"},
		{"noatime,relatime", "rw,relatime", "rw,relatime", "rw,relatime"},
		{"strictatime", "rw", "rw", "rw,relatime"},
		{"rstrictatime", "rw", "rw", "rw"},
		{"nosymfollow", "rw,relatime,nosymfollow", "rw,relatime,nosymfollow", "rw,relatime"},
	} {
		t.Run(test.options, func(t *testing.T) {
			b := newBundle(t, program)
			options := strings.Split(test.options, ",")
			if test.options == "" {
				options = nil
			}
			b.mount("/fs", "tmpfs", "tmpfs", options...)
			b.mount("/bind", "none", b.folder(t, "src"), append(options, "rbind")...)
			want(t, b.run(t, see+"see /fs; see /bind; see /bind/below"), strings.Join([]string{test.fs + " -", test.bind + " -", test.below + " -"}, "\n"))
		})
	}
}

// TestReadonlyIsProved: not by mountinfo, but by a write that fails.
func TestReadonlyIsProved(t *testing.T) {
	b := newBundle(t, oci(t))
	src := b.folder(t, "src")
	b.mount("/top", "bind", src, "rbind", "ro")
	b.mount("/all", "bind", src, "rbind", "rro")
	b.mount("/tmp", "tmpfs", "tmpfs", "ro")
	b.mount("/tmp/place", "tmpfs", "tmpfs")
	b.spec.Root.Readonly = true
	want(t, b.run(t, "for f in /new /top/new /top/below/new /all/new /all/below/new /tmp/new /tmp/place/new; do touch $f 2>/dev/null && echo $f; done"),
		"/top/below/new\n/tmp/place/new")
}

// TestExplicitWordsAct: what the source forbids is allowed by the word for it, and
// by no other.
func TestExplicitWordsAct(t *testing.T) {
	b := newBundle(t, oci(t))
	src := filepath.Join(b.dir, "src")
	try(t, os.Mkdir(src, 0o755))
	try(t, unix.Mount("tmpfs", src, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NOATIME, ""))
	try(t, unix.Mount("", src, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NOATIME, ""))
	b.mount("/as", "bind", src, "bind", "nodev")
	b.mount("/is", "bind", src, "bind", "rw", "suid", "atime")
	want(t, b.run(t, see+"see /as; see /is"), "ro,nosuid,nodev,noatime -\nrw,relatime -")
}

// TestPropagationInMountinfo: of a filesystem, of a bind mount, and of what is
// mounted below that. The source is shared.
func TestPropagationInMountinfo(t *testing.T) {
	program := oci(t)
	for _, test := range []struct{ options, fs, bind, below string }{
		{"bind", "", "-", ""},
		{"rbind", "", "-", "-"},
		{"shared", "shared", "shared", "shared"},
		{"rshared", "shared", "shared", "shared"},
		{"slave", "-", "master", "master"},
		{"rslave", "-", "master", "master"},
		{"private", "-", "-", "-"},
		{"rprivate", "-", "-", "-"},
		{"unbindable", "unbindable", "unbindable", "-"},
		{"runbindable", "unbindable", "unbindable", "unbindable"},
	} {
		t.Run(test.options, func(t *testing.T) {
			b := newBundle(t, program)
			if test.fs != "" {
				b.mount("/fs", "tmpfs", "tmpfs", test.options)
				test.fs = "rw,relatime " + test.fs + "\n"
			}
			options := []string{test.options}
			if !strings.HasSuffix(test.options, "bind") {
				options = append(options, "rbind")
			}
			if test.below != "" {
				test.below = "\nrw,relatime " + test.below
			}
			b.mount("/bind", "none", b.folder(t, "src"), options...)
			want(t, b.run(t, see+"see /fs; see /bind; see /bind/below"), test.fs+"rw,relatime "+test.bind+test.below)
		})
	}
}

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

// TestEvents: a mount that is made on the host is seen in the container or not,
// and one of the container's on the host.
func TestEvents(t *testing.T) {
	program := oci(t)
	for _, test := range []struct {
		options, root string
		in, out       bool
	}{
		{"bind", "", false, false},
		{"bind,private", "", false, false},
		{"bind,slave", "", true, false},
		{"rbind,rslave", "", true, false},
		{"bind,shared", "", true, true},
		{"rbind,rshared", "rshared", true, true},
		{"bind", "slave", false, false},
		{"bind,rslave", "rslave", true, false},
	} {
		t.Run(test.options+" "+test.root, func(t *testing.T) {
			b := newBundle(t, program)
			src := filepath.Join(b.dir, "src")
			for _, name := range []string{"host", "container"} {
				try(t, os.MkdirAll(filepath.Join(src, name), 0o755))
			}
			b.mount("/lent", "none", src, strings.Split(test.options, ",")...)
			b.spec.Linux.RootfsPropagation = test.root
			rest := b.talk(t, "mount -t tmpfs none /lent/container; touch /lent/container/mark; echo made; read x; ls /lent/host", func() {
				_, err := os.Stat(filepath.Join(src, "container/mark"))
				if (err == nil) != test.out {
					t.Errorf("what the container mounted: on the host %v", err)
				}
				try(t, unix.Mount("tmpfs", filepath.Join(src, "host"), "tmpfs", 0, ""))
				try(t, os.WriteFile(filepath.Join(src, "host/mark"), nil, 0o644))
			})
			if (rest == "mark") != test.in {
				t.Errorf("what the host mounted is in the container: %q", rest)
			}
		})
	}
}

// TestRootfsPropagation: what the validation program of the runtime tools tries,
// and that a slave root sees what the host mounts in it.
func TestRootfsPropagation(t *testing.T) {
	program := oci(t)
	for _, test := range []struct {
		propagation, info string
		copied, seen      bool
	}{
		{"", "-", false, false},
		{"private", "-", false, false},
		{"rprivate", "-", false, false},
		{"slave", "master", false, true},
		{"rslave", "master", false, true},
		{"shared", "shared", true, false},
		{"rshared", "shared", true, false},
	} {
		t.Run(test.propagation, func(t *testing.T) {
			b := newBundle(t, program)
			b.spec.Linux.RootfsPropagation = test.propagation
			b.spec.Linux.ReadonlyPaths = []string{"/etc"}
			for _, name := range []string{"copy", "from", "to"} {
				try(t, os.MkdirAll(filepath.Join(b.root, name), 0o755))
			}
			try(t, os.WriteFile(filepath.Join(b.root, "from/mark"), nil, 0o644))
			words := see + "see /; mount -o rbind / /copy; mount -o bind /from /to; ls /copy/to; "
			info, _, _ := strings.Cut(b.run(t, words), "\n")
			want(t, info, "rw,relatime "+test.info)
			copied := strings.HasSuffix(b.run(t, words), "mark")
			if copied != test.copied {
				t.Errorf("a copy of the root sees what is mounted in it: %v", copied)
			}
			rest := b.talk(t, "echo; read x; ls /lent", func() {
				try(t, unix.Mount("tmpfs", filepath.Join(b.root, "lent"), "tmpfs", 0, ""))
				try(t, os.WriteFile(filepath.Join(b.root, "lent/mark"), nil, 0o644))
			})
			if (rest == "mark") != test.seen {
				t.Errorf("what the host mounts in the root is in the container: %q", rest)
			}
		})
	}
	for _, propagation := range []string{"unbindable", "runbindable"} {
		b := newBundle(t, program)
		b.spec.Linux.RootfsPropagation = propagation
		b.spec.Linux.ReadonlyPaths = []string{"/etc"}
		if out := b.run(t, "mount -o rbind / /lent"); !strings.Contains(out, "Invalid argument") {
			t.Errorf("%s: the root can be bound: %s", propagation, out)
		}
	}
}

// TestRootfsPropagationWithHooks: the pivot, which refuses a shared root, comes
// later where there are hooks.
func TestRootfsPropagationWithHooks(t *testing.T) {
	b := newBundle(t, oci(t))
	b.spec.Linux.RootfsPropagation = "shared"
	b.spec.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{{Path: "/bin/true"}}}
	info, _, _ := strings.Cut(b.run(t, see+"see /"), "\n")
	want(t, info, "rw,relatime shared")
}

// TestIdmap: the files of the host's root belong to whom the mapping says, and
// what is made there belongs to root on the host.
func TestIdmap(t *testing.T) {
	b := newBundle(t, oci(t))
	src := b.folder(t, "src")
	ids := []specs.LinuxIDMapping{{HostID: 5000, Size: 10}}
	m := b.mount("/own", "none", src, "rbind", "idmap")
	m.UIDMappings, m.GIDMappings = ids, ids
	m = b.mount("/all", "none", src, "rbind", "ridmap")
	m.UIDMappings, m.GIDMappings = ids, ids
	m = b.mount("/other", "none", src, "bind")
	m.UIDMappings, m.GIDMappings = []specs.LinuxIDMapping{{HostID: 7, Size: 1}}, []specs.LinuxIDMapping{{HostID: 8, Size: 1}}
	want(t, b.run(t, "stat -c %u:%g /own/file /own/below/file /all/file /all/below/file /other/file"), "5000:5000\n0:0\n5000:5000\n5000:5000\n7:8")
}

func TestIdmapOfTheContainer(t *testing.T) {
	b := newBundle(t, oci(t))
	b.mapped(t, 100000)
	src := b.folder(t, "src")
	b.mount("/mapped", "none", src, "bind", "idmap")
	b.mount("/plain", "none", src, "bind")
	want(t, b.run(t, "stat -c %u:%g /mapped/file /plain/file; touch /mapped/new; touch /plain/new 2>/dev/null || echo denied"), "0:0\n65534:65534\ndenied")
	var made unix.Stat_t
	try(t, unix.Stat(filepath.Join(src, "new"), &made))
	if made.Uid != 0 || made.Gid != 0 {
		t.Errorf("the new file belongs to %d:%d on the host", made.Uid, made.Gid)
	}
}

// TestTmpcopyup: the tmpfs begins with what the image has, with its owner and mode;
// what is changed stays in memory, and within its size.
func TestTmpcopyup(t *testing.T) {
	program := oci(t)
	for _, mapped := range []bool{false, true} {
		b := newBundle(t, program)
		id := 0
		if mapped {
			id = 100000
			b.mapped(t, 100000)
		}
		run := filepath.Join(b.root, "var/run")
		try(t, os.MkdirAll(filepath.Join(run, "inner"), 0o755))
		try(t, os.WriteFile(filepath.Join(run, "inner/file"), []byte("image\n"), 0o640))
		for _, name := range []string{"inner/file", "inner", "."} {
			try(t, os.Chown(filepath.Join(run, name), id+3, id+4))
		}
		try(t, unix.Chmod(run, 0o1750))
		b.mount("/var/run", "tmpfs", "tmpfs", "tmpcopyup", "nosuid", "size=64k")
		b.mount("/var/run/sub", "tmpfs", "tmpfs")
		want(t, b.run(t, `cd /var/run; stat -c '%a %u:%g' . inner/file; cat inner/file; echo memory > inner/file; cat inner/file
			rm -r inner; mkdir inner; ls inner; ls; cat /bin/busybox > big 2>/dev/null || echo full; `+see+`see /var/run`),
			"1750 3:4\n640 3:4\nimage\nmemory\ninner\nsub\nfull\nrw,nosuid,relatime -\nrw,nosuid,relatime -")
		if data, err := os.ReadFile(filepath.Join(run, "inner/file")); string(data) != "image\n" {
			t.Errorf("the image has now %q, %v", data, err)
		}
	}
}

func TestTmpcopyupOptions(t *testing.T) {
	b := newBundle(t, oci(t))
	b.mount("/etc", "tmpfs", "tmpfs", "tmpcopyup", "ro", "mode=700", "uid=5", "gid=6")
	want(t, b.run(t, "stat -c '%a %u:%g' /etc; touch /etc/new 2>&1"), "700 5:6\ntouch: /etc/new: Read-only file system")
	try(t, os.Symlink("etc", filepath.Join(b.root, "link")))
	b.spec.Mounts[1].Destination = "/link"
	if out := b.run(t, "true"); !strings.Contains(out, "symbolic link") {
		t.Errorf("a link of the image: %s", out)
	}
}

// TestRemount changes what an earlier mount has put there, and nothing else.
func TestRemount(t *testing.T) {
	b := newBundle(t, oci(t))
	b.mount("/bind", "none", b.folder(t, "src"), "bind", "nosuid")
	b.mount("/bind", "none", "", "remount", "bind", "ro")
	b.mount("/tmp", "tmpfs", "tmpfs", "nosuid")
	b.mount("/tmp", "tmpfs", "tmpfs", "remount", "noexec", "size=8k")
	want(t, b.run(t, see+"see /bind; see /tmp; cat /bin/busybox 2>&1 > /tmp/big || echo full"), "ro,nosuid,relatime -\nrw,nosuid,noexec,relatime -\ncat: write error: No space left on device\nfull")
	b.spec.Mounts = b.spec.Mounts[:1]
	b.mount("/etc", "none", "", "remount", "bind", "ro")
	if out := b.run(t, "true"); !strings.Contains(out, "hint: remount changes a mount that") {
		t.Errorf("a remount of what is no mount: %s", out)
	}
}

// TestSuperblockOptions: of a filesystem, the kernel's own words.
func TestSuperblockOptions(t *testing.T) {
	b := newBundle(t, oci(t))
	b.mount("/fs", "tmpfs", "tmpfs", "sync", "dirsync", "lazytime", "mand", "silent", "iversion", "size=64k")
	b.mount("/back", "tmpfs", "tmpfs", "sync", "lazytime", "async", "nolazytime", "nomand", "loud", "noiversion", "size=64k")
	want(t, strings.ReplaceAll(b.run(t, "grep -E ' /(fs|back) ' /proc/self/mountinfo | cut -d' ' -f10"), ",inode64", ""), "rw,sync,dirsync,mand,lazytime,size=64k\nrw,size=64k")
}

// TestPlaces: a file on a file, places that are not there, and paths that do not
// begin with a slash.
func TestPlaces(t *testing.T) {
	b := newBundle(t, oci(t))
	b.folder(t, "src")
	b.mount("relative/place", "bind", "src", "bind")
	b.mount("/a/new/file", "none", "src/file", "bind")
	b.mount("dev", "tmpfs", "tmpfs")
	want(t, b.run(t, "cat /relative/place/file /a/new/file; echo dropped > /dev/null; ls -d /dev/zero /dev/full /dev/random /dev/urandom /dev/tty"),
		"text\ntext\n/dev/full\n/dev/random\n/dev/tty\n/dev/urandom\n/dev/zero")
	b.mount("/x", "bind", "missing", "bind")
	if out := b.run(t, "true"); !strings.Contains(out, "hint: the source has to exist") || !strings.Contains(out, filepath.Join(b.dir, "missing")) {
		t.Errorf("a source that is not there: %s", out)
	}
}

// TestBareConfig: no mounts at all, no folder for devices even.
func TestBareConfig(t *testing.T) {
	b := newBundle(t, oci(t))
	b.spec.Mounts = nil
	try(t, os.Remove(filepath.Join(b.root, "proc")))
	want(t, b.run(t, "echo dropped > /dev/null && ls /dev"), "fd\nfull\nnull\nptmx\nrandom\nstderr\nstdin\nstdout\ntty\nurandom\nzero")
}

// TestReadonlyDev: the devices are made before it becomes read-only.
func TestReadonlyDev(t *testing.T) {
	program := oci(t)
	b := newBundle(t, program)
	b.mount("/dev", "tmpfs", "tmpfs", "ro", "nosuid")
	b.mount("/dev/pts", "devpts", "devpts", "newinstance", "ptmxmode=0666")
	want(t, b.run(t, "echo > /dev/null && touch /dev/new 2>&1; ls /dev/pts"), "touch: /dev/new: Read-only file system\nptmx")
}

// hidden are paths of every kind, each below another that is hidden as well.
var hidden = []string{"/dir", "/file", "/dir/sub", "/dir/file", "/dir/sub/file", "/file/none", "/none", "/block", "/char", "/fifo", "/link"}

func (b *bundle) makeHidden(t *testing.T) {
	t.Helper()
	try(t, os.MkdirAll(filepath.Join(b.root, "dir/sub"), 0o777))
	for _, name := range []string{"file", "dir/file", "dir/sub/file", "target"} {
		try(t, os.WriteFile(filepath.Join(b.root, name), []byte("secret"), 0o666))
	}
	for name, mode := range map[string]uint32{"block": unix.S_IFBLK, "char": unix.S_IFCHR, "fifo": unix.S_IFIFO} {
		try(t, unix.Mknod(filepath.Join(b.root, name), mode|0o666, 0))
	}
	try(t, os.Symlink("target", filepath.Join(b.root, "link")))
}

func TestMaskedPaths(t *testing.T) {
	b := newBundle(t, oci(t))
	b.makeHidden(t)
	b.spec.Linux.MaskedPaths = hidden
	want(t, b.run(t, "ls /dir; cat /file /target; stat -c '%n %F' /block /char /fifo; touch /dir/new 2>/dev/null || echo read-only"),
		"/block character special file\n/char character special file\n/fifo character special file\nread-only")
}

func TestReadonlyPaths(t *testing.T) {
	b := newBundle(t, oci(t))
	b.makeHidden(t)
	b.spec.Linux.ReadonlyPaths = hidden
	want(t, b.run(t, "for f in /dir/new /dir/sub/new /file /dir/file /dir/sub/file /target /new; do echo x 2>/dev/null >> $f && echo $f; done 2>/dev/null; cat /file; stat -c '%n %F' /block /char /fifo"),
		"/new\nsecret/block block special file\n/char character special file\n/fifo fifo")
}

// TestDevices: anywhere in the root, with mode and owner; in a user namespace those
// are the host's, whose nodes are lent.
func TestDevices(t *testing.T) {
	program := oci(t)
	mode, uid, gid := os.FileMode(0o640), uint32(3), uint32(4)
	devices := []specs.LinuxDevice{
		{Path: "/dev/deep/down/full", Type: "u", Major: 1, Minor: 7, FileMode: &mode, UID: &uid, GID: &gid},
		{Path: "/srv/new/disk", Type: "b", Major: 8, Minor: 666},
		{Path: "/dev/pipe", Type: "p", Major: 8, Minor: 666, FileMode: &mode},
		{Path: "/dev/ptmx", Type: "c", Major: 5, Minor: 2},
	}
	b := newBundle(t, program)
	b.spec.Linux.Devices = devices
	want(t, b.run(t, "stat -c '%n %F %t:%T %a %u:%g' /dev/deep/down/full /srv/new/disk /dev/pipe; ls -l /dev/ptmx | grep -o -- '->.*'"),
		"/dev/deep/down/full character special file 1:7 640 3:4\n/srv/new/disk block special file 8:29a 666 0:0\n/dev/pipe fifo 0:0 640 0:0\n-> pts/ptmx")

	b = newBundle(t, program)
	b.mapped(t, 100000)
	b.mount("/dev", "tmpfs", "tmpfs", "mode=755")
	devices[0].Path = "/dev/full"
	b.spec.Linux.Devices = []specs.LinuxDevice{devices[0], devices[2]}
	want(t, b.run(t, "stat -c '%n %F %t:%T %a' /dev/full /dev/pipe; echo dropped > /dev/null; echo x 2>&1 > /dev/full"),
		"/dev/full character special file 1:7 666\n/dev/pipe fifo 0:0 640\nsh: write error: No space left on device")
}
