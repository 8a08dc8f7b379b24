package runtime

import (
	"os"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestDeviceRenamedInUserNamespace: a user namespace gets the host's node of a device under
// another path, and an error if the host has none.
func TestDeviceRenamedInUserNamespace(t *testing.T) {
	testkit.NeedRoot(t)
	if _, err := os.Stat("/sys/dev/char/1:5/uevent"); err != nil {
		t.Skip(err)
	}
	c := newContainer(t, func(s *specs.Spec) {
		in(specs.UserNamespace, "")(s)
		s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/nought", Type: "c", Major: 1, Minor: 5}}
	}, "head -c 3 /dev/nought | wc -c")
	want(t, c.run(t), "3")
	c.spec.Linux.Devices[0].Minor = 250
	c.runFails(t, "/dev/nought", "make the node on the host")
}
