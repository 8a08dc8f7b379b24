package hardening

// The leftover check: the host must be the same before and after a test. Each test
// begins with guard(t).

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/events"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// picture is all that a container might have changed.
type picture = testkit.Picture

// guard compares the host before and after the test.
func guard(t *testing.T) {
	t.Helper()
	testkit.NeedRoot(t)
	testkit.Guard(t, func() picture { return takePicture(t) })
}

// compare fails the test unless the host is as it was.
func compare(t *testing.T, before picture) {
	t.Helper()
	before.Same(t, func() picture { return takePicture(t) })
}

func takePicture(t *testing.T) picture {
	t.Helper()
	p := picture{}
	for _, part := range []func(picture) error{
		mounts, links, sockets, cgroups, state, descriptors, processes, canaries, settings,
	} {
		if err := part(p); err != nil {
			t.Fatalf("look at the host: %v", err)
		}
	}
	return p
}

func mounts(p picture) error {
	data, err := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(data)) {
		// mount ID, parent ID and device; options, propagation, type and source. Other
		// processes may rename the paths.
		f := strings.Fields(line)
		p["mount "+strings.Join(f[:3], " ")] = strings.Join(f[5:], " ")
	}
	return err
}

func links(p picture) error {
	all, err := net.Interfaces()
	for _, l := range all {
		p["link "+l.Name] = l.Flags.String()
	}
	return err
}

// sockets lists those with a name, in a directory or in the network namespace (unix(7)).
func sockets(p picture) error {
	data, err := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(data)) {
		// address, users, protocol, flags, type, state, inode, and the name if there is
		// one
		if f := strings.Fields(line); len(f) == 8 && f[0] != "Num" {
			p["socket "+f[7]] = ""
		}
	}
	return err
}

func cgroups(p picture) error {
	mount, err := cgroup.Mount()
	if err != nil {
		return err
	}
	return testkit.WalkDir(mount, func(path string, d fs.DirEntry) error {
		if d.IsDir() {
			p["cgroup "+path] = ""
		}
		return nil
	})
}

// state lists the store, but for the journal of events and the time of the last recovery, and
// the state directories of bundles.
func state(p picture) error {
	note := func(path string, d fs.DirEntry) error {
		if filepath.Dir(path) == filepath.Join(store, events.Dir) || path == filepath.Join(store, "recovered") {
			return nil
		}
		p["state "+path] = d.Type().String()
		return nil
	}
	return errors.Join(testkit.WalkDir(store, note), testkit.WalkDir(states, note))
}

func descriptors(p picture) error {
	all, err := os.ReadDir("/proc/self/fd")
	for _, d := range all {
		// the descriptor of this read is closed again
		if to, err := os.Readlink("/proc/self/fd/" + d.Name()); err == nil {
			p["descriptor "+d.Name()] = to
		}
	}
	return err
}

// processes lists all but this one and the zombies that pid 1 will reap.
func processes(p picture) error {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, d := range all {
		pid, err := strconv.Atoi(d.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		if strings.Contains(string(stat), ") Z 1 ") {
			continue
		}
		p[fmt.Sprintf("process %d", pid)] = strings.SplitAfter(string(stat), ")")[0]
	}
	return nil
}

const attribute = "trusted.canary"

// makeCanary makes the files that attacks aim at.
func makeCanary() error {
	for _, dir := range []string{canary, filepath.Join(canary, "directory")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	for name, mode := range map[string]fs.FileMode{"file": 0o644, "secret": 0o600, "null": 0o666,
		"directory/inner": 0o640} {
		path := filepath.Join(canary, name)
		if err := os.WriteFile(path, []byte("canary of the host\n"), mode); err != nil {
			return err
		}
		if err := unix.Setxattr(path, attribute, []byte("sings"), 0); err != nil {
			return fmt.Errorf("setxattr %s: %w", path, err)
		}
	}
	return nil
}

// canaries: content, mode, owner, times, links, extended attributes. The change time of
// an inode cannot be set.
func canaries(p picture) error {
	return testkit.WalkDir(canary, func(path string, d fs.DirEntry) error {
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		text := fmt.Sprintf("mode %o, owner %d:%d, %d links, mtime %v, ctime %v", st.Mode, st.Uid, st.Gid, st.Nlink,
			st.Mtim, st.Ctim)
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			names, value := make([]byte, 1024), make([]byte, 1024)
			n, _ := unix.Llistxattr(path, names)
			v, _ := unix.Lgetxattr(path, attribute, value)
			text += fmt.Sprintf(", sha256 %x, xattrs %q, %q", sha256.Sum256(data), names[:n], value[:max(v, 0)])
		}
		p["canary "+path] = text
		return nil
	})
}

// settings are sysctls and device nodes that containers have been led to change.
func settings(p picture) error {
	for _, file := range []string{"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
		"/proc/sys/kernel/domainname", "/proc/sys/kernel/msgmax", "/proc/sys/net/ipv4/ip_forward"} {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		p["setting "+file] = string(data)
	}
	for _, node := range []string{"/dev/null", "/dev/zero", "/dev/console", "/dev/pts", "/dev/pts/ptmx"} {
		var st unix.Stat_t
		if err := unix.Lstat(node, &st); err == nil {
			p["device "+node] = fmt.Sprintf("mode %o, owner %d:%d, device %x", st.Mode, st.Uid, st.Gid, st.Rdev)
		}
	}
	return nil
}

// TestOracle: the check detects each kind of change.
func TestOracle(t *testing.T) {
	guard(t)
	before := takePicture(t)
	mount, _ := cgroup.Mount()
	for what, change := range map[string]func() (undo func()){
		"descriptor ": func() func() {
			f, _ := os.Open("/")
			return func() { f.Close() }
		},
		"cgroup ": func() func() {
			dir := filepath.Join(mount, "left")
			os.Mkdir(dir, 0o755)
			return func() { os.Remove(dir) }
		},
		"mount ": func() func() {
			unix.Mount("none", canary, "tmpfs", 0, "")
			return func() { unix.Unmount(canary, 0) }
		},
		"state ": func() func() {
			name := filepath.Join(store, "names", "left")
			os.Symlink("nowhere", name)
			return func() { os.Remove(name) }
		},
		"socket ": func() func() {
			l, _ := net.Listen("unix", "@left")
			return func() { l.Close() }
		},
		"process ": func() func() {
			cmd := command("probe", "sleep")
			cmd.Start()
			return func() { cmd.Process.Kill(); cmd.Wait() }
		},
		"setting ": func() func() {
			unix.Sethostname([]byte("changed"))
			return func() {
				os.WriteFile("/proc/sys/kernel/hostname",
					[]byte(strings.TrimSpace(before["setting /proc/sys/kernel/hostname"])), 0)
			}
		},
	} {
		undo := change()
		changes := before.Changes(takePicture(t))
		undo()
		if !slices.ContainsFunc(changes, func(c string) bool {
			return strings.Contains(c, ": ") && strings.Contains(c, " "+what)
		}) {
			t.Errorf("a change of kind %q is not seen: %q", what, changes)
		}
	}
	compare(t, before)
}

// TestOracleCanary: the check detects each way to touch a canary.
func TestOracleCanary(t *testing.T) {
	testkit.NeedRoot(t)
	file := filepath.Join(canary, "file")
	for what, touch := range map[string]func() error{
		"mode":  func() error { return os.Chmod(file, 0o644) },
		"owner": func() error { return os.Chown(file, 0, 0) },
		"mtime": func() error { return os.Chtimes(file, time.Time{}, time.Unix(1, 0)) },
		"xattr": func() error { return unix.Setxattr(file, attribute, []byte("is mute"), 0) },
		"entry": func() error {
			return errors.Join(os.Mkdir(filepath.Join(canary, "new"), 0o700), os.Remove(filepath.Join(canary, "new")))
		},
		"content": func() error { return os.WriteFile(file, []byte("other\n"), 0) },
	} {
		before := picture{}
		testkit.Check(t, errors.Join(canaries(before), touch()))
		after := picture{}
		testkit.Check(t, canaries(after))
		if len(before.Changes(after)) == 0 {
			t.Errorf("%s of the canary changed, and the check did not notice", what)
		}
	}
}
