// hint: may the path be absolute
// Lesson 13: the OCI config, and with it a small container runtime.
//
//	run ROOT|BUNDLE|IMAGE.tar [COMMAND [ARGUMENT…]]
//
// What a container is to be like stands in a config: config.json of the OCI runtime
// specification. A directory with one is a bundle; for others this program has a config.
package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"runtime"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

func main() {
	runtime.LockOSThread() // the container dies with the thread that has made it
	if len(os.Args) < 2 {
		check(errors.New("usage: run ROOT|BUNDLE|IMAGE.tar [COMMAND [ARGUMENT…]]"))
	}
	c := load(os.Args[1])
	if len(os.Args) > 2 {
		c.Process.Args = os.Args[2:]
	}
	p := compile(c)
	code := run(p)
	_, err := walk.Host(&plan.Plan{Steps: []plan.Step{call.Rmdirat("", p.Cgroup)}}, walk.Caller{})
	check(err)
	os.Exit(code)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(125)
	}
}

// config is the part of config.json that this program implements. The fields have the names of
// the specification: encoding/json does not tell apart capital and small letters.
type config struct {
	layers, lower        string // of an image: the directory of its layers, and their names, topmost first
	OCIVersion, Hostname string
	Root                 struct{ Path string }
	Process              struct {
		Args, Env    []string
		Cwd          string
		User         struct{ UID, GID uint32 }
		Capabilities struct{ Bounding []string }
	}
	Mounts []struct {
		Destination, Type, Source string
		Options                   []string
	}
	Linux struct {
		CgroupsPath                string
		Namespaces                 []struct{ Type string }
		MaskedPaths, ReadonlyPaths []string
		Resources                  struct{ Memory, Pids struct{ Limit int64 } }
	}
}

// defaults is what Docker gives to a container, in short.
const defaults = `{
	"hostname": "container",
	"process": {
		"args": ["sh"], "env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "cwd": "/",
		"capabilities": {"bounding": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
			"CAP_SETGID", "CAP_SETUID", "CAP_NET_BIND_SERVICE"]}
	},
	"mounts": [
		{"destination": "/proc", "type": "proc", "options": ["nosuid", "nodev", "noexec"]},
		{"destination": "/dev", "type": "tmpfs", "options": ["nosuid", "noexec", "mode=755"]},
		{"destination": "/sys", "type": "sysfs", "options": ["nosuid", "nodev", "noexec", "ro"]}
	],
	"linux": {
		"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "network"}, {"type": "uts"}, {"type": "ipc"}],
		"maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sysrq-trigger"],
		"readonlyPaths": ["/proc/sys", "/proc/irq", "/proc/bus"]
	}
}`

// load returns the config of a bundle, or one for a root or an image.
func load(name string) *config {
	if strings.HasSuffix(name, ".tar") {
		return fromImage(name)
	}
	data, err := os.ReadFile(path.Join(name, "config.json"))
	if errors.Is(err, os.ErrNotExist) {
		data, err = []byte(defaults), nil
	}
	check(err)
	c := parse(data)
	c.Root.Path = path.Join(name, c.Root.Path)
	return c
}

// parse refuses a field that this program does not implement: who sets a limit trusts it.
func parse(data []byte) *config {
	c := &config{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	check(d.Decode(c))
	return c
}

// fromImage unpacks an image, an archive in the format of `docker save`: a list of images with
// their layers, manifest.json, and a config of each. It does so once: no container changes it.
func fromImage(archive string) *config {
	dir := archive + ".unpacked"
	unpack(archive, dir)
	var manifest [1]struct { // more images in the archive are not looked at
		Config string
		Layers []string
	}
	var image struct {
		Config struct {
			Env, Entrypoint, Cmd []string
			WorkingDir, User     string
		}
	}
	read(dir, "manifest.json", &manifest)
	read(dir, manifest[0].Config, &image)
	if image.Config.User != "" {
		check(fmt.Errorf("%s: user %q: not implemented", archive, image.Config.User))
	}
	c := parse([]byte(defaults))
	c.layers = dir
	c.Process.Args = append(image.Config.Entrypoint, image.Config.Cmd...)
	c.Process.Env = image.Config.Env
	c.Process.Cwd = path.Join("/", image.Config.WorkingDir)
	for i, layer := range manifest[0].Layers {
		unpack(path.Join(dir, layer), fmt.Sprintf("%s/%d", dir, i))
		c.lower = strings.TrimSuffix(fmt.Sprint(i)+":"+c.lower, ":")
	}
	return c
}

func read(dir, name string, v any) {
	data, err := os.ReadFile(path.Join(dir, name))
	check(err)
	check(json.Unmarshal(data, v))
}

// unpack makes the files of an archive, as in lesson 6, in a directory that does not exist.
func unpack(archive, dir string) {
	if _, err := os.Stat(dir); err == nil {
		return
	}
	f, err := os.Open(archive)
	check(err)
	defer f.Close()
	check(os.Mkdir(dir+".partial", 0o755))
	root, err := os.OpenRoot(dir + ".partial")
	check(err)
	defer root.Close()
	r := tar.NewReader(f)
	for h, err := r.Next(); !errors.Is(err, io.EOF); h, err = r.Next() {
		check(err)
		entry(root, h, r)
	}
	check(os.Rename(dir+".partial", dir))
}

// entry makes a file of an archive. root follows links on the way that stay inside.
func entry(root *os.Root, h *tar.Header, data io.Reader) {
	name := path.Clean(h.Name)
	if deleted, ok := strings.CutPrefix(path.Base(name), ".wh."); ok { // a whiteout
		parent, err := root.Open(path.Dir(name))
		check(err)
		check(errors.Join(unix.Mknodat(int(parent.Fd()), deleted, unix.S_IFCHR, 0), parent.Close()))
		return
	}
	switch h.Typeflag {
	case tar.TypeDir:
		check(root.MkdirAll(name, 0o755))
	case tar.TypeReg:
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		check(err)
		_, err = io.Copy(f, data)
		check(errors.Join(err, f.Close()))
	case tar.TypeLink:
		check(root.Link(path.Clean(h.Linkname), name))
	case tar.TypeSymlink:
		check(root.Symlink(h.Linkname, name))
	default:
		check(fmt.Errorf("%s: not a directory, file or link", name))
	}
	check(root.Lchown(name, h.Uid, h.Gid))
	if h.Typeflag != tar.TypeSymlink {
		check(root.Chmod(name, h.FileInfo().Mode()))
	}
}

var (
	kinds = map[string]uint64{"mount": unix.CLONE_NEWNS, "pid": unix.CLONE_NEWPID, "network": unix.CLONE_NEWNET,
		"uts": unix.CLONE_NEWUTS, "ipc": unix.CLONE_NEWIPC}
	attributes = map[string]uint64{"ro": unix.MOUNT_ATTR_RDONLY, "nosuid": unix.MOUNT_ATTR_NOSUID,
		"nodev": unix.MOUNT_ATTR_NODEV, "noexec": unix.MOUNT_ATTR_NOEXEC}
	machine = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}
)

const load32, equal, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ, unix.BPF_RET

// filter is that of lesson 10.
var filter = []unix.SockFilter{
	{Code: load32, K: 4},
	{Code: equal, Jt: 1, K: machine[runtime.GOARCH]},
	{Code: ret, K: unix.SECCOMP_RET_KILL_PROCESS},
	{Code: load32},
	{Code: equal, Jt: 4, K: unix.SYS_UNSHARE},
	{Code: equal, Jt: 3, K: unix.SYS_KEYCTL},
	{Code: equal, Jt: 2, K: unix.SYS_PTRACE},
	{Code: equal, Jt: 1, K: unix.SYS_BPF},
	{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
}

// compile makes the plan of a config.
func compile(c *config) *plan.Plan {
	var steps []plan.Step
	add := func(more ...plan.Step) { steps = append(steps, more...) }
	// A cgroup with the limits (lesson 7).
	group := "/sys/fs/cgroup"
	if _, err := os.Stat(group + "/cgroup.controllers"); err != nil {
		group += "/unified" // beside version 1
	}
	group = path.Join(group, path.Join("/", cmp.Or(c.Linux.CgroupsPath, fmt.Sprintf("run-%d", os.Getpid()))))
	add(call.Mkdirat("", group, 0o755), call.Openat("", group, unix.O_PATH|unix.O_DIRECTORY).As("cgroup"))
	for i, limit := range []int64{c.Linux.Resources.Memory.Limit, c.Linux.Resources.Pids.Limit} {
		if limit > 0 {
			add(call.Openat("cgroup", []string{"memory.max", "pids.max"}[i], unix.O_WRONLY).As("file"),
				call.Write("file", fmt.Sprint(limit)))
		}
	}

	// A program in memory makes the last steps: in the container /proc/1/exe is never this one.
	add(call.MemfdCreate("run", true).As(plan.LastSteps).Allow(unix.EINVAL), // an option of Linux 6.3
		call.MemfdCreate("run", false).WhenNot(plan.LastSteps).As(plan.LastSteps), call.WriteProgram(plan.LastSteps))

	// The child, in new namespaces (lessons 3 and 4).
	flags := uint64(unix.CLONE_CLEAR_SIGHAND)
	for _, ns := range c.Linux.Namespaces {
		if kinds[ns.Type] == 0 {
			check(fmt.Errorf("linux.namespaces: %q: not implemented", ns.Type))
		}
		flags |= kinds[ns.Type]
	}
	if flags&unix.CLONE_NEWNS == 0 || flags&unix.CLONE_NEWUTS == 0 || len(c.Process.Args) == 0 {
		check(errors.New("the namespaces mount and uts are required, and process.args"))
	}
	add(call.Clone3(flags, "cgroup").As(plan.Pid), call.UnblockSignals(), call.Sethostname(c.Hostname),
		call.PrctlUndumpable(), // until execve no process may open its files in /proc
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}))

	// The root, not yet attached: a directory, or layers, with changes in memory (lesson 5).
	if c.layers == "" {
		add(call.OpenTree("", c.Root.Path, true).As(plan.Root))
	} else {
		add(call.Chdir(c.layers), // an option has at most 255 bytes: short names
			call.Fsopen("tmpfs").As("fs"), call.Fscreate("fs"), call.Fsmount("fs", 0).As("memory"),
			call.Mkdirat("memory", "upper", 0o755), call.Mkdirat("memory", "work", 0o755),
			call.Mkdirat("", "changes", 0o755).Allow(unix.EEXIST), call.MoveMountTo("memory", "changes"),
			call.Fsopen("overlay").As("fs"), call.Fsconfig("fs", "lowerdir", c.lower),
			call.Fsconfig("fs", "upperdir", "changes/upper"), call.Fsconfig("fs", "workdir", "changes/work"),
			call.Fscreate("fs"), call.Fsmount("fs", 0).As(plan.Root))
	}

	// The mounts, not yet attached: what is bound has no path after the pivot.
	ref := func(i int) plan.Ref { return plan.Ref(fmt.Sprintf("mounts[%d]", i)) }
	for i, m := range c.Mounts {
		var set uint64
		options := []plan.Step{call.Fsopen(m.Type).As("fs")}
		for _, o := range m.Options {
			if key, value, _ := strings.Cut(o, "="); attributes[o] != 0 {
				set |= attributes[o]
			} else if o != "bind" && o != "rbind" { // an option of the filesystem
				options = append(options, call.Fsconfig("fs", key, value))
			}
		}
		if m.Type == "bind" {
			add(call.OpenTree("", m.Source, true).As(ref(i)),
				call.MountSetattr(ref(i), "", true, call.MountAttr{Set: set}))
		} else {
			add(append(options, call.Fscreate("fs"), call.Fsmount("fs", set).As(ref(i)))...)
		}
	}

	// The pivot (lesson 3). Links of the image lead nowhere else from here on.
	add(call.MoveMountTo(plan.Root, "/"), call.Fchdir(plan.Root), call.PivotRoot(".", "."),
		call.Umount2(".", unix.MNT_DETACH), call.Umask(0)) // make files with exactly these modes
	for i, m := range c.Mounts {
		add(call.Mkdirat("", m.Destination, 0o755).Allow(unix.EEXIST),
			call.Openat2("", m.Destination, unix.O_PATH, unix.RESOLVE_NO_MAGICLINKS).As("target"),
			call.MoveMount(ref(i), "target"))
	}

	// Devices and links that every program expects, masks, and what is read-only (lesson 9).
	for i, name := range []string{3: "null", 5: "zero", 7: "full", 8: "random", 9: "urandom"} {
		if name != "" {
			add(call.Mknodat("", "/dev/"+name, unix.S_IFCHR|0o666, 1, uint32(i)).Allow(unix.EEXIST))
		}
	}
	add(call.Umask(0o022), call.Symlinkat("/proc/self/fd", "", "/dev/fd").Allow(unix.EEXIST))
	for _, file := range c.Linux.MaskedPaths {
		add(call.Openat("", file, unix.O_PATH).As("file").Allow(unix.ENOENT),
			call.OpenTree("", "/dev/null", false).When("file").As("cover"), call.MoveMount("cover", "file"))
	}
	for _, dir := range c.Linux.ReadonlyPaths {
		add(call.Openat("", dir, unix.O_PATH).As("dir").Allow(unix.ENOENT),
			call.OpenTree("dir", "", true).When("dir").As("same"), call.MoveMount("same", "dir"),
			call.MountSetattr("same", "", true, call.MountAttr{Set: unix.MOUNT_ATTR_RDONLY}))
	}

	// The user and the capabilities (lesson 8), the filter (lesson 10).
	var bounding uint64
	for _, name := range c.Process.Capabilities.Bounding {
		n, ok := call.Capability(name)
		if !ok {
			check(fmt.Errorf("process.capabilities: %q: unknown", name))
		}
		bounding |= 1 << n
	}
	for n, name := range call.Capabilities {
		if bounding&(1<<n) == 0 {
			add(call.PrctlDropBounding(n, name).Allow(unix.EINVAL))
		}
	}
	add(call.Chdir(c.Process.Cwd), call.Setgroups(nil), call.Setresgid(c.Process.User.GID),
		call.Setresuid(c.Process.User.UID), call.PrctlPdeathsig(), call.PrctlNoNewPrivs())
	program, _ := binary.Append(nil, binary.NativeEndian, filter) // of fixed size: no error
	add(call.CloseRange(3, unix.CLOSE_RANGE_CLOEXEC), call.CloseOnExec(plan.ReportWrite, false),
		call.Seccomp(0, program, len(filter)), call.Execveat(plan.LastSteps, []string{"run"}))

	// That program executes the command, in the first directory of PATH that has it.
	add(call.CloseOnExec(plan.ReportWrite, true))
	dirs := []string{""}
	for _, v := range c.Process.Env {
		if list, ok := strings.CutPrefix(v, "PATH="); ok && !strings.Contains(c.Process.Args[0], "/") {
			dirs = strings.Split(list, ":")
		}
	}
	for _, dir := range dirs {
		add(call.Execve(path.Join(dir, c.Process.Args[0]), c.Process.Args, c.Process.Env).
			Allow(unix.ENOENT, unix.ENOTDIR, unix.EACCES))
	}
	side := plan.Host
	for i := range steps {
		steps[i].Side = side
		if next, ok := map[string]plan.Side{"clone3": plan.Container, "execveat": plan.Trampoline}[steps[i].Name]; ok {
			side, steps[i].Child = next, next
		}
	}
	return &plan.Plan{Steps: steps, Cgroup: group, StartError: plan.ReportWrite}
}

// run carries the plan out, passes signals on, and returns the exit code (lesson 12).
func run(p *plan.Plan) int {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2)
	caller := walk.Caller{FDs: map[plan.Ref]int{}}
	if os.Getenv("EXPLAIN") != "" {
		caller.Trace = func(i int, r walk.Result) { fmt.Fprintln(os.Stderr, p.Steps[i].Side, p.Steps[i].Call(), r) }
	}
	w, err := walk.Start(p, caller)
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		return 125
	}
	pid, _ := w.Result(plan.Pid)
	go func() {
		for s := range signals {
			unix.Kill(pid, s.(unix.Signal))
		}
	}()
	var status unix.WaitStatus
	_, err = unix.Wait4(pid, &status, 0, nil)
	check(err)
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
