package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Namespaces that are joined by their paths, as the containers of a pod join those of
// its first. The links in /proc/PID/ns name the namespaces of a process.

var namespaceFiles = map[specs.LinuxNamespaceType]string{
	specs.PIDNamespace: "pid", specs.NetworkNamespace: "net", specs.IPCNamespace: "ipc", specs.UTSNamespace: "uts",
	specs.UserNamespace: "user", specs.CgroupNamespace: "cgroup", specs.TimeNamespace: "time",
	specs.MountNamespace: "mnt",
}

// allNamespaces gives a container new namespaces of all types.
func allNamespaces(s *specs.Spec) {
	for kind := range namespaceFiles {
		in(kind, "")(s)
	}
}

// without leaves a container the caller's namespace of a type.
func without(kind specs.LinuxNamespaceType) func(*specs.Spec) {
	return func(s *specs.Spec) {
		s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
			return n.Type == kind
		})
		if kind == specs.UserNamespace {
			s.Linux.UIDMappings, s.Linux.GIDMappings = nil, nil
		}
	}
}

// in gives a container a namespace: a new one, or the one at a path.
func in(kind specs.LinuxNamespaceType, path string) func(*specs.Spec) {
	return func(s *specs.Spec) {
		without(kind)(s)
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: kind, Path: path})
		if kind == specs.UserNamespace {
			s.Linux.UIDMappings = []specs.LinuxIDMapping{{Size: 2000}}
			s.Linux.GIDMappings = s.Linux.UIDMappings
		}
	}
}

// joined lets a container join namespaces of a process.
func joined(pid int, kinds ...specs.LinuxNamespaceType) func(*specs.Spec) {
	return func(s *specs.Spec) {
		for _, kind := range kinds {
			in(kind, fmt.Sprintf("/proc/%d/ns/%s", pid, namespaceFiles[kind]))(s)
		}
	}
}

// namespacesOf returns the namespaces of a process, by the names of their files.
func namespacesOf(t *testing.T, pid string) map[string]string {
	t.Helper()
	links := map[string]string{}
	for _, name := range namespaceFiles {
		link, err := os.Readlink("/proc/" + pid + "/ns/" + name)
		testkit.Check(t, err)
		links[name] = link
	}
	return links
}

const listNamespaces = "for n in pid net ipc uts user cgroup time mnt; do ls -l /proc/self/ns/$n; done | grep -o " +
	"'[a-z]*:\\[.*'"

// TestJoinedNamespaces: a container, and another process in it, are in the namespaces
// that are joined, and in none of the others.
func TestJoinedNamespaces(t *testing.T) {
	first := newContainer(t, allNamespaces, "sleep 60")
	first.create(t)
	first.start(t)
	pid := first.pid(t)
	owner := namespacesOf(t, fmt.Sprint(pid))
	for name, link := range namespacesOf(t, "thread-self") {
		if owner[name] == link {
			t.Errorf("the first container has the host's %s namespace", name)
		}
	}
	const user, net, pids, ipc, uts = specs.UserNamespace, specs.NetworkNamespace, specs.PIDNamespace,
		specs.IPCNamespace, specs.UTSNamespace
	const cgroup, time = specs.CgroupNamespace, specs.TimeNamespace
	for _, kinds := range [][]specs.LinuxNamespaceType{{net}, {ipc}, {uts}, {cgroup}, {time}, {pids}, {user},
		{user, pids}, {user, net, ipc, uts}, {pids, time}, {user, pids, net, ipc, uts, cgroup, time}} {
		t.Run(strings.Trim(fmt.Sprint(kinds), "[]"), func(t *testing.T) {
			c := newContainer(t, joined(pid, kinds...), "("+listNamespaces+"; echo done) > /out/seen; sleep 60")
			testkit.Check(t, os.Mkdir(c.file("rootfs/out"), 0o777))
			c.create(t)
			c.start(t)
			seen := report(t, c.file("rootfs/out/seen"))
			for kind, name := range namespaceFiles {
				if strings.Contains(seen, owner[name]) != slices.Contains(kinds, kind) {
					t.Errorf("%s: is %s joined?\n%s", name, owner[name], seen)
				}
			}
			want(t, c.sh(t, listNamespaces), seen)
		})
	}
}

// TestJoinedUserNamespaceOwnsNewOnes: its root, without a capability on the host, may
// set the name of a new UTS namespace.
func TestJoinedUserNamespaceOwnsNewOnes(t *testing.T) {
	first := newContainer(t, allNamespaces, "sleep 60")
	first.create(t)
	c := newContainer(t, joined(first.pid(t), specs.UserNamespace),
		"cat /proc/sys/kernel/hostname; echo other > /proc/sys/kernel/hostname; cat /proc/sys/kernel/hostname")
	in(specs.UTSNamespace, "")(c.spec)
	c.spec.Hostname = "inner"
	admin := []string{"CAP_SYS_ADMIN"}
	c.spec.Process.Capabilities = &specs.LinuxCapabilities{Bounding: admin, Effective: admin, Permitted: admin}
	want(t, c.run(t), "inner\nother")
}

// TestJoinedUserNamespaceKeepsItsMappings: the config need not repeat the mappings of a user
// namespace that is joined, even of one without a process; others are refused.
func TestJoinedUserNamespaceKeepsItsMappings(t *testing.T) {
	newMounts(t)
	first := newContainer(t, allNamespaces, "sleep 60")
	first.spec.Linux.GIDMappings = []specs.LinuxIDMapping{{Size: 1000}, {ContainerID: 1000, HostID: 5000, Size: 9}}
	first.create(t)
	held := filepath.Join(t.TempDir(), "userns")
	testkit.Check(t, os.WriteFile(held, nil, 0o600))
	testkit.Check(t, unix.Mount(fmt.Sprintf("/proc/%d/ns/user", first.pid(t)), held, "", unix.MS_BIND, ""))
	t.Cleanup(func() { unix.Unmount(held, unix.MNT_DETACH) })
	first.must(t, "delete", "--force", first.id)

	const look = "cat /proc/self/uid_map /proc/self/gid_map; id -u; id -g"
	c := newContainer(t, in(specs.UserNamespace, held), "("+look+"; echo done) >/out/seen; sleep 60")
	c.spec.Linux.UIDMappings, c.spec.Linux.GIDMappings = nil, nil
	c.spec.Process.User = specs.User{UID: 7, GID: 1008}
	testkit.Check(t, os.Mkdir(c.file("rootfs/out"), 0), os.Chmod(c.file("rootfs/out"), 0o777))
	c.create(t)
	c.start(t)
	const mappings = "0 0 2000 0 0 1000 1000 5000 9 7 1008"
	want(t, strings.Join(strings.Fields(report(t, c.file("rootfs/out/seen"))), " "), mappings)
	want(t, strings.Join(strings.Fields(c.sh(t, look)), " "), mappings)

	other := newContainer(t, in(specs.UserNamespace, held), "true")
	other.spec.Linux.UIDMappings[0].HostID++
	other.runFails(t, "linux.uidMappings, linux.gidMappings", "not those of the user namespace that is joined")
	for path, reason := range map[string]string{
		"/proc/self/ns/user": "not the caller's own", "/proc/self/ns/net": "setns", "/nowhere": "no such file",
	} {
		none := newContainer(t, in(specs.UserNamespace, path), "true")
		none.runFails(t, "linux.namespaces[", reason)
	}
}

// TestNewUserNamespaceJoinsHostsNamespaces: such as the network namespace that an
// engine makes; the root of the user namespace may not join them.
func TestNewUserNamespaceJoinsHostsNamespaces(t *testing.T) {
	first := newContainer(t, func(s *specs.Spec) { allNamespaces(s); without(specs.UserNamespace)(s) }, "sleep 60")
	first.create(t)
	pid := first.pid(t)
	owner := namespacesOf(t, fmt.Sprint(pid))
	for _, kinds := range [][]specs.LinuxNamespaceType{{specs.NetworkNamespace}, {specs.NetworkNamespace,
		specs.IPCNamespace, specs.UTSNamespace, specs.CgroupNamespace, specs.TimeNamespace}} {
		t.Run(strings.Trim(fmt.Sprint(kinds), "[]"), func(t *testing.T) {
			c := newContainer(t, joined(pid, kinds...), listNamespaces+"; head -c 100 /proc/self/uid_map")
			mapped(0)(c.spec)
			seen := c.run(t)
			for _, kind := range kinds {
				if link := owner[namespaceFiles[kind]]; !strings.Contains(seen, link) {
					t.Errorf("%s is not joined:\n%s", link, seen)
				}
			}
			if fields := strings.Fields(seen); !slices.Equal(fields[len(fields)-3:], []string{"0", "0", "2000"}) {
				t.Errorf("uid_map: %s", seen)
			}
		})
	}
}

// TestTimeOffsets: of the clocks of a new time namespace, to the nanosecond.
func TestTimeOffsets(t *testing.T) {
	offsets := map[string]specs.LinuxTimeOffset{"boottime": {Secs: 8640000}, "monotonic": {Secs: 7, Nanosecs: 8}}
	c := newContainer(t, in(specs.TimeNamespace, ""),
		"cat /proc/self/timens_offsets; read up rest < /proc/uptime; test ${up%.*} -gt 8640000 && echo long ago")
	c.spec.Linux.TimeOffsets = offsets
	want(t, strings.Join(strings.Fields(c.run(t)), " "), "monotonic 7 8 boottime 8640000 0 long ago")
	offsets["realtime"] = specs.LinuxTimeOffset{Secs: 1}
	c.runFails(t, `linux.timeOffsets: "realtime": want monotonic or boottime`)
	delete(offsets, "realtime")
	without(specs.TimeNamespace)(c.spec)
	c.runFails(t, "linux.timeOffsets: needs a new time namespace")
}

// TestInvalidNamespacePathRefused: a path that is no namespace, or one of another type.
func TestInvalidNamespacePathRefused(t *testing.T) {
	for path, reason := range map[string]string{
		"/proc/self/ns/none": "no such file", "/proc/self/ns/uts": "invalid argument", "/dev/null": "invalid argument",
		"ns/net": "not absolute",
	} {
		newContainer(t, in(specs.NetworkNamespace, path), "true").runFails(t, "linux.namespaces[3]", reason)
	}
}

// TestSharedMountNamespace: in the caller's mount namespace, or in one that is joined, a
// container and other processes in it have the container's root, and the mounts of the
// host do not change.
func TestSharedMountNamespace(t *testing.T) {
	testkit.NeedLinux(t, "6.15")
	for name, change := range map[string]func(*specs.Spec){
		"inherited": without(specs.MountNamespace),
		"joined": func(s *specs.Spec) {
			in(specs.MountNamespace, fmt.Sprintf("/proc/%d/task/%d/ns/mnt", os.Getpid(), unix.Gettid()))(s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			const look = "cd /; readlink proc/self/ns/mnt; test -e proc/self/status && test ! -e root && ls -d /*"
			newMounts(t)
			c := newContainer(t, change, ">/seen; x=$("+look+"); echo \"$x\" >/seen; sleep 100")
			own := namespacesOf(t, "thread-self")["mnt"] + "\n/bin\n/dev\n/proc\n/seen\n/sys"
			before := testkit.ReadFile(t, "/proc/thread-self/mountinfo")
			c.create(t)
			c.start(t)
			want(t, written(t, c.file("rootfs/seen")), own)
			want(t, c.sh(t, look), own)
			want(t, testkit.ReadFile(t, "/proc/thread-self/mountinfo"), before)
		})
	}
}
