package runtime

// The environment variable HOME. A config that leaves it unset or empty gets the user's home
// directory of the container's /etc/passwd, "/" for a user without one, as with runc; so
// does a further process of a container. The file is that of the container: a mount may
// cover it, a hook may change it. So the host reads it through /proc/PID/root, where no path
// leads out, when the container's process has made its mounts.
//
// To wait for that costs a start time (compile/shape.go, vfork). Where neither a mount nor a
// link nor a hook can lead to another file, it is read from root.path before the start.

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/minictr/minictr/internal/accounts"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// SetHome sets HOME in the process of a new container if it is not set, or makes the
// container ask for it.
func (t *ProcessOptions) SetHome(spec *specs.Spec) {
	p := spec.Process
	if p == nil || compile.Home(p.Env) != "" {
		return
	}
	if t.AskHome = t.Root != nil || !hasPlainAccounts(spec); t.AskHome {
		return
	}
	t.addHome(p, spec.Root.Path)
}

// hasPlainAccounts reports whether root.path/etc/passwd is the file, or its absence, that the
// container sees.
func hasPlainAccounts(spec *specs.Spec) bool {
	covers := func(m specs.Mount) bool {
		dest := path.Clean("/" + m.Destination)
		return dest == "/" || dest == "/etc" || dest == "/etc/passwd"
	}
	joins := func(n specs.LinuxNamespace) bool { return n.Type == specs.MountNamespace && n.Path != "" }
	if spec.Root == nil || spec.Hooks != nil || slices.ContainsFunc(spec.Mounts, covers) ||
		spec.Linux != nil && slices.ContainsFunc(spec.Linux.Namespaces, joins) {
		return false
	}
	root, err := unix.Open(spec.Root.Path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(root)
	fd, err := unix.Openat2(root, "etc/passwd", &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return errors.Is(err, unix.ENOENT)
	}
	unix.Close(fd)
	return true
}

// sendHome adds HOME to the program that the child of a walk is about to execute.
func (c *creation) sendHome(w *walk.Walk, pid int) error {
	c.options.addHome(c.spec.Process, rootOf(pid))
	p, err := compile.Last(c.spec, c.options.Options)
	if err != nil {
		return err
	}
	return w.Rewrite(p)
}

// rootOf is a path of the root of a process.
func rootOf(pid int) string { return fmt.Sprintf("/proc/%d/root", pid) }

// addHome sets HOME to what /etc/passwd of a root says. A file that cannot be read says
// nothing.
func (t *ProcessOptions) addHome(p *specs.Process, root string) {
	home, err := homeOf(p.User.UID, root)
	if err != nil && t.Warn != nil {
		t.Warn(fmt.Errorf("HOME is set to /: /etc/passwd of the container: %w", err))
	}
	p.Env = append(slices.Clip(p.Env), "HOME="+cmp.Or(home, "/"))
}

// homeOf returns the home directory of a user, "" for one without.
func homeOf(uid uint32, root string) (string, error) {
	dir, err := os.OpenFile(root, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return "", err
	}
	defer dir.Close()
	user, err := accounts.ByUID(accounts.Files(dir.Fd()), uid)
	if user == nil || errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return user.Home, err
}
