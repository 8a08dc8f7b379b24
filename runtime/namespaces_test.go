package runtime

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Namespaces that are joined by their paths: the first container of a pod has them,
// and lends them to the next. What a process is in, its links in /proc/self/ns say.

var namespaceFiles = map[specs.LinuxNamespaceType]string{
	specs.PIDNamespace: "pid", specs.NetworkNamespace: "net", specs.IPCNamespace: "ipc", specs.UTSNamespace: "uts",
	specs.UserNamespace: "user", specs.CgroupNamespace: "cgroup", specs.TimeNamespace: "time",
	specs.MountNamespace: "mnt",
}

// allNamespaces gives a container new ones of all types.
func allNamespaces(s *specs.Spec) {
	s.Linux.Namespaces = nil
	for kind := range namespaceFiles {
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: kind})
	}
	s.Linux.UIDMappings = []specs.LinuxIDMapping{{HostID: 0, Size: 1000}}
	s.Linux.GIDMappings = s.Linux.UIDMappings
}

// lend lets a container join some namespaces of a process.
func lend(pid int, kinds ...specs.LinuxNamespaceType) func(*specs.Spec) {
	return func(s *specs.Spec) {
		if slices.Contains(kinds, specs.UserNamespace) {
			s.Linux.UIDMappings = []specs.LinuxIDMapping{{HostID: 0, Size: 1000}}
			s.Linux.GIDMappings = s.Linux.UIDMappings
		}
		for _, kind := range kinds {
			s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
				return n.Type == kind
			})
			s.Linux.Namespaces = append(s.Linux.Namespaces,
				specs.LinuxNamespace{Type: kind, Path: fmt.Sprintf("/proc/%d/ns/%s", pid, namespaceFiles[kind])})
		}
	}
}

// namespacesOf are a process's, by the names of their files.
func namespacesOf(t *testing.T, pid string) map[string]string {
	t.Helper()
	links := map[string]string{}
	for _, name := range namespaceFiles {
		link, err := os.Readlink("/proc/" + pid + "/ns/" + name)
		try(t, err)
		links[name] = link
	}
	return links
}

const tellNamespaces = "for n in pid net ipc uts user cgroup time mnt; do ls -l /proc/self/ns/$n; done | grep -o " +
	"'[a-z]*:\\[.*'"

// TestJoinedNamespaces: of each type one that is lent, and some together; all others
// are not the lender's, and a process that `exec` brings is in the same.
func TestJoinedNamespaces(t *testing.T) {
	first := newContainer(t, allNamespaces, "sleep 60")
	first.create(t)
	first.start(t)
	pid := first.pid(t)
	lender := namespacesOf(t, fmt.Sprint(pid))
	for name, link := range namespacesOf(t, "thread-self") {
		if lender[name] == link {
			t.Errorf("the first container has the host's %s namespace", name)
		}
	}
	user, network, pids := specs.UserNamespace, specs.NetworkNamespace, specs.PIDNamespace
	for _, kinds := range [][]specs.LinuxNamespaceType{
		{network}, {specs.IPCNamespace}, {specs.UTSNamespace}, {specs.CgroupNamespace}, {specs.TimeNamespace}, {pids},
		{user},
		{user, pids}, {user, network, specs.IPCNamespace, specs.UTSNamespace}, {pids, specs.TimeNamespace},
		{user, pids, network, specs.IPCNamespace, specs.UTSNamespace, specs.CgroupNamespace, specs.TimeNamespace},
	} {
		t.Run(strings.Trim(fmt.Sprint(kinds), "[]"), func(t *testing.T) {
			c := newContainer(t, lend(pid, kinds...), "("+tellNamespaces+"; echo done) > /out/seen; sleep 60")
			try(t, os.Mkdir(c.file("rootfs/out"), 0o777))
			c.create(t)
			c.start(t)
			seen := report(t, c.file("rootfs/out/seen"))
			for kind, name := range namespaceFiles {
				joined := strings.Contains(seen, lender[name])
				if joined != slices.Contains(kinds, kind) {
					t.Errorf("%s: is %s joined?\n%s", name, lender[name], seen)
				}
			}
			want(t, c.sh(t, tellNamespaces), seen)
		})
	}
}

// TestOwnerOfNamespaces: new namespaces belong to a user namespace that is joined: its
// root, without any right on the host, may set the name of this machine.
func TestOwnerOfNamespaces(t *testing.T) {
	first := newContainer(t, allNamespaces, "sleep 60")
	first.create(t)
	c := newContainer(t, func(s *specs.Spec) {
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UTSNamespace})
		lend(first.pid(t), specs.UserNamespace)(s)
		s.Hostname = "inner"
		admin := []string{"CAP_SYS_ADMIN"}
		s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: admin, Effective: admin, Permitted: admin}
	}, "cat /proc/sys/kernel/hostname; echo other > /proc/sys/kernel/hostname; cat /proc/sys/kernel/hostname")
	want(t, c.run(t), "inner\nother")
}

// TestNewUserInNamespacesOfTheHost: a new user namespace, whose root has no right to
// join what belongs to the host, such as a network that an engine has made.
func TestNewUserInNamespacesOfTheHost(t *testing.T) {
	first := newContainer(t, func(s *specs.Spec) { allNamespaces(s); unmapped(s) }, "sleep 60")
	first.create(t)
	pid := first.pid(t)
	for _, kinds := range [][]specs.LinuxNamespaceType{
		{specs.NetworkNamespace}, {specs.NetworkNamespace, specs.IPCNamespace, specs.UTSNamespace,
			specs.CgroupNamespace, specs.TimeNamespace},
	} {
		t.Run(strings.Trim(fmt.Sprint(kinds), "[]"), func(t *testing.T) {
			c := newContainer(t, func(s *specs.Spec) {
				lend(pid, kinds...)(s)
				mapped(s)
			}, tellNamespaces+"; head -c 100 /proc/self/uid_map")
			seen := c.run(t)
			for _, kind := range kinds {
				if link := namespacesOf(t, fmt.Sprint(pid))[namespaceFiles[kind]]; !strings.Contains(seen, link) {
					t.Errorf("%s is not joined:\n%s", link, seen)
				}
			}
			if fields := strings.Fields(seen); !slices.Equal(fields[len(fields)-3:], []string{"0", "0", "1000"}) {
				t.Errorf("its ids are mapped as %s", seen)
			}
		})
	}
}

// unmapped takes the user namespace away.
func unmapped(s *specs.Spec) {
	s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
		return n.Type == specs.UserNamespace
	})
	s.Linux.UIDMappings, s.Linux.GIDMappings = nil, nil
}

// TestTimeOffsets: clocks of a new time namespace are set off, to the nanosecond.
func TestTimeOffsets(t *testing.T) {
	const day = 24 * 3600
	c := newContainer(t, func(s *specs.Spec) {
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.TimeNamespace})
		s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 100 * day},
			"monotonic": {Secs: 7, Nanosecs: 8}}
	}, "cat /proc/self/timens_offsets; read up rest < /proc/uptime; test ${up%.*} -gt 8640000 && echo long ago")
	want(t, strings.Join(strings.Fields(c.run(t)), " "), "monotonic 7 8 boottime 8640000 0 long ago")
	for name, change := range map[string]func(*specs.Spec){
		"needs a new time namespace": func(s *specs.Spec) {
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 1}}
		},
		`"realtime": want monotonic or boottime`: func(s *specs.Spec) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.TimeNamespace})
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"realtime": {Secs: 1}}
		},
	} {
		c := newContainer(t, change, "true")
		if out, err := c.oci("run", "--bundle", c.dir, c.id); err == nil ||
			!strings.Contains(out, "linux.timeOffsets: "+name) {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// TestJoinRefused: a path that is no namespace, or one of another type.
func TestJoinRefused(t *testing.T) {
	for path, reason := range map[string]string{
		"/proc/self/ns/none": "no such file", "/proc/self/ns/uts": "invalid argument", "/dev/null": "invalid argument",
		"ns/net": "not absolute",
	} {
		c := newContainer(t, func(s *specs.Spec) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.NetworkNamespace,
				Path: path})
		}, "true")
		out, err := c.oci("run", "--bundle", c.dir, c.id)
		if err == nil || !strings.Contains(out, "linux.namespaces[3]") || !strings.Contains(out, reason) {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
}
