package runtime

import (
	"errors"
	"path"
	goruntime "runtime"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Dangling symbolic links. A plan makes each mount point that does not exist, but it is
// written before the root's files are known, and no system call makes the file that a
// symbolic link leads to and the directories above it: opening the mount point then fails
// with ENOENT. Many images have such a link, as /etc/resolv.conf ->
// ../run/systemd/resolve/stub-resolv.conf. Only then the links are read, and another plan
// is carried out, whose paths lead through no links: it makes the ends of the links.
//
// The files may be changed meanwhile, by a container that shares a volume. Reading a link
// changes nothing, and each link is opened by descriptors, inside the root (openat2(2),
// RESOLVE_IN_ROOT); the other plan opens its paths by the rules of any plan
// (compile/target.go). A link that leads into /proc, /sys or /dev is not followed.

// maxLinks is how many symbolic links the kernel follows in one path (path_resolution(7)).
const maxLinks = 40

// isDangling reports whether a walk has failed at a path that a dangling link may be in.
func isDangling(err error) bool {
	var failed *walk.Error
	return errors.As(err, &failed) && failed.Errno == unix.ENOENT && failed.Step.Side == plan.Container &&
		failed.Step.Name == "openat2"
}

// ResolveLinks returns the config with the paths that its plan makes in the root: mount
// points, devices and the working directory, with no symbolic link of the root in them.
// changed is false if there is none.
func ResolveLinks(spec *specs.Spec, o compile.Options) (resolved *specs.Spec, changed bool, err error) {
	if o.Root != nil { // a stack that takes no writes needs no work directory
		overlay := *o.Root
		overlay.ReadOnly, overlay.Volatile = true, false
		o.Root = &overlay
	}
	p, err := compile.Root(spec, o)
	if err != nil {
		return nil, false, err
	}
	var w *walk.Walk
	done := make(chan error)
	go func() {
		goruntime.LockOSThread() // for good: the plan changes the thread's working directory
		w, err = walk.Host(p, walk.Caller{})
		done <- err
	}()
	if err := <-done; err != nil {
		return nil, false, err
	}
	defer w.Close()
	root, ok := w.Result(plan.Root)
	if !ok { // it is in a mount namespace that is joined
		return spec, false, nil
	}
	r := &resolver{places: []place{{"", root}}}
	defer r.close()
	resolved = r.spec(spec)
	return resolved, r.changed, nil
}

// resolver reads the symbolic links of a root and of what is mounted there.
type resolver struct {
	places  []place // in the order in which they are mounted
	changed bool
}

// place is a mount.
type place struct {
	dest string // its mount point, "" for the root
	dir  int    // a descriptor of what is mounted; -1 for a new filesystem, without links
}

func (r *resolver) close() {
	for _, p := range r.places[1:] {
		unix.Close(p.dir)
	}
}

// spec returns the config with its paths resolved, each among the mounts before it.
func (r *resolver) spec(spec *specs.Spec) *specs.Spec {
	s := *spec
	s.Mounts = slices.Clone(s.Mounts)
	for i := range s.Mounts {
		m := &s.Mounts[i]
		inRoot := strings.HasPrefix(m.Source, compile.RootSource)
		if end := r.resolve(m.Destination); end != path.Clean("/"+m.Destination) {
			m.Destination = end
			if inRoot {
				m.Source = compile.RootSource + end
			}
		}
		if inRoot || slices.Contains(m.Options, "remount") || slices.Contains(m.Options, "tmpcopyup") {
			continue // it shows what was there
		}
		dir := -1
		if compile.Binds(*m) {
			dir, _ = unix.Open(m.Source, unix.O_PATH|unix.O_CLOEXEC, 0)
		}
		r.places = append(r.places, place{path.Clean("/" + m.Destination), dir})
	}
	if s.Process != nil {
		process := *s.Process
		process.Cwd = r.resolve(process.Cwd)
		s.Process = &process
	}
	if s.Linux != nil && len(s.Linux.Devices) > 0 {
		linux := *s.Linux
		linux.Devices = slices.Clone(linux.Devices)
		for i := range linux.Devices {
			dir, name := path.Split(linux.Devices[i].Path)
			linux.Devices[i].Path = path.Join(r.resolve(dir), name)
		}
		s.Linux = &linux
	}
	return &s
}

// resolve returns the path to which a path leads, whether that exists or not. A path that
// may not be followed is returned as it is.
func (r *resolver) resolve(file string) string {
	clean := path.Clean("/" + file)
	end, rest := "/", clean
	for links := 0; rest != ""; {
		name, more, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
		next := path.Join(end, name)
		rest = more
		link := ""
		if !compile.IsKernelPath(next) {
			link = r.readLink(next)
		}
		if link == "" {
			end = next
			continue
		}
		if links++; links > maxLinks {
			return clean
		}
		if path.IsAbs(link) {
			end = "/"
		}
		rest = link + "/" + rest
	}
	if end == clean || end == "/" || compile.IsKernelPath(end) {
		return clean
	}
	r.changed = true
	return end
}

// readLink returns the text of a symbolic link; "" if the path is none. No parent of the
// path is a link.
func (r *resolver) readLink(file string) string {
	for _, p := range slices.Backward(r.places) {
		below, ok := strings.CutPrefix(file, p.dest+"/")
		switch {
		case ok && p.dir >= 0:
			return readLinkAt(p.dir, below)
		case ok || file == p.dest:
			return ""
		}
	}
	return ""
}

func readLinkAt(dir int, file string) string {
	fd, err := unix.Openat2(dir, file, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	text := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", text)
	if err != nil {
		return ""
	}
	return string(text[:n])
}
