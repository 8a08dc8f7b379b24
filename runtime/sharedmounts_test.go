package runtime

import (
	"fmt"
	"os"
	goruntime "runtime"
	"slices"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A container without a mount namespace of its own has its own root nevertheless,
// for its first process and for others, and the host's mounts stay as they are.

func TestInheritedMounts(t *testing.T) {
	testSharedMounts(t, func(s *specs.Spec) {
		s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
			return n.Type == specs.MountNamespace
		})
	})
}

func TestJoinedMounts(t *testing.T) {
	testSharedMounts(t, func(s *specs.Spec) {
		for i := range s.Linux.Namespaces {
			if n := &s.Linux.Namespaces[i]; n.Type == specs.MountNamespace {
				n.Path = fmt.Sprintf("/proc/%d/task/%d/ns/mnt", os.Getpid(), unix.Gettid())
			}
		}
	})
}

func testSharedMounts(t *testing.T, change func(*specs.Spec)) {
	const look = "cd /; readlink proc/self/ns/mnt; test -e proc/self/status && test ! -e root && ls -d /*"
	testkit.NeedLinux(t, "6.15")
	becomeHost(t)
	c := newContainer(t, change, ">/seen; x=$("+look+"); echo \"$x\" >/seen; sleep 100")
	own, err := os.Readlink("/proc/thread-self/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	want := own + "\n/bin\n/dev\n/proc\n/seen\n/sys"
	before := hostMounts(t)
	c.create(t)
	c.start(t)
	if first, second := written(t, c.file("rootfs/seen")), c.sh(t, look); first != want || second != want {
		t.Errorf("the first process sees %q, another %q, want %q", first, second, want)
	}
	if after := hostMounts(t); after != before {
		t.Errorf("the host's mounts were\n%s\nand are\n%s", before, after)
	}
}

// becomeHost gives the test's thread, and who it starts, mounts that nobody else on
// the machine changes meanwhile. The thread goes with the test.
func becomeHost(t *testing.T) {
	t.Helper()
	oci(t) // for root alone
	goruntime.LockOSThread()
	try(t, unix.Unshare(unix.CLONE_NEWNS))
	try(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
}

func hostMounts(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
