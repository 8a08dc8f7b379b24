package runtime

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// A container that is created waits before its last calls; what becomes of those is
// told to start.

// TestStartFails: create has seen that the program is there, and start tells why it
// is none. Nothing of the config that only create could know is asked for again.
func TestStartFails(t *testing.T) {
	newNetwork(t, "given")
	c := newContainer(t, func(s *specs.Spec) {
		moves(map[string]specs.LinuxNetDevice{"given": {}})(s)
		s.Process.Args = []string{"/bin/text"}
	}, "")
	try(t, os.WriteFile(c.file("rootfs/bin/text"), []byte("no program\n"), 0o755))
	c.create(t)
	out, err := c.oci("start", c.id)
	if err == nil || !strings.Contains(out, `execve("/bin/text"`) || !strings.Contains(out, "exec format error") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := c.oci("start", c.id); err == nil || !strings.Contains(out, "cannot start a container that has "+
		"stopped") {
		t.Errorf("again: %v\n%s", err, out)
	}
}

// TestStartHookInSharedMounts: in a mount namespace of others, too, startContainer
// sees the container's root.
func TestStartHookInSharedMounts(t *testing.T) {
	testkit.NeedLinux(t, "6.15")
	c := newContainer(t, func(s *specs.Spec) {
		s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
			return n.Type == specs.MountNamespace
		})
	}, "sleep 60")
	c.withHooks(t, func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{
			CreateContainer: []specs.Hook{c.hook("echo from the host")},
			StartContainer: []specs.Hook{{Path: "/bin/sh",
				Args: []string{"sh", "-c", "ls / > /seen; echo done >> /seen"}, Env: []string{"PATH=/bin"}}},
		}
	})
	c.create(t)
	c.start(t)
	want(t, c.log(t), "from the host")
	want(t, report(t, c.file("rootfs/seen")), "bin\ndev\nproc\nseen\nsys")
}

// TestHooksInJoinedUser: hooks of a container that has joined a user namespace.
func TestHooksInJoinedUser(t *testing.T) {
	first := newContainer(t, allNamespaces, "sleep 60")
	first.create(t)
	c := newContainer(t, lend(first.pid(t), specs.UserNamespace, specs.PIDNamespace), "sleep 60")
	const tell = "ls -l /proc/self/ns/user | grep -o 'user:.*'"
	c.withHooks(t, func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{c.hook(tell)}, CreateContainer: []specs.Hook{c.hook(tell)}}
	})
	c.create(t)
	want(t, c.log(t), namespacesOf(t, "thread-self")["user"]+"\n"+namespacesOf(t, strconv.Itoa(first.pid(t)))["user"])
}
