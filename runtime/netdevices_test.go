package runtime

import (
	"fmt"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Network devices, ends of veth pairs, are moved from a network namespace of the test.

// newNetwork gives the thread of the test, and its children, a network namespace, which
// ends with the thread. In it is the veth pair "given" and "far".
func newNetwork(t *testing.T) {
	t.Helper()
	testkit.NeedRoot(t)
	testkit.NeedTool(t, "ip")
	goruntime.LockOSThread()
	testkit.Check(t, unix.Unshare(unix.CLONE_NEWNET))
	ip(t, "link add given type veth peer name far")
	ip(t, "link set given address 02:00:00:00:00:07 mtu 1400")
}

// ip returns the output of ip(8), with single spaces.
func ip(t *testing.T, words string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v\n%s", words, err, out)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

// ip returns the output of ip(8) in the container's network namespace.
func (c *container) ip(t *testing.T, words string) string {
	t.Helper()
	out := shell(t, fmt.Sprintf("nsenter --net=/proc/%d/ns/net ip %s", c.pid(t), words))
	return strings.Join(strings.Fields(out), " ")
}

// moved moves a device to a new network namespace, with a name there.
func moved(device, name string) func(*specs.Spec) {
	return func(s *specs.Spec) {
		s.Linux.NetDevices = map[string]specs.LinuxNetDevice{device: {Name: name}}
		in(specs.NetworkNamespace, "")(s)
	}
}

func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s\n\nwant %q in it", text, w)
		}
	}
}

// TestMovedNetDevice: it keeps its permanent global addresses, loses the others, and is up.
func TestMovedNetDevice(t *testing.T) {
	for _, test := range []struct {
		name, want string
		change     func(*specs.Spec)
	}{
		{"", "given", unchanged}, {"eth0", "eth0", unchanged}, {"eth%d", "eth0", unchanged}, {"", "given", mapped(0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			newNetwork(t)
			for _, address := range []string{
				"192.0.2.7/24 brd 192.0.2.255", "198.51.100.1 peer 198.51.100.2/32", "2001:db8::7/64 nodad",
				"192.0.2.9/24 valid_lft 100 preferred_lft 100", "2001:db8::9/64 valid_lft 100 preferred_lft 100",
				"169.254.7.7/16 scope link", "fe80::9/64 nodad",
			} {
				ip(t, "address add "+address+" dev given")
			}
			c := newContainer(t, moved("given", test.name), "sleep 60")
			test.change(c.spec)
			c.create(t)
			wantWords(t, c.ip(t, "link show dev "+test.want), "02:00:00:00:00:07", "mtu 1400", "MULTICAST", ",UP")
			got := c.ip(t, "address show dev "+test.want)
			wantWords(t, got, "inet 192.0.2.7/24 brd 192.0.2.255 scope global "+test.want,
				"inet 198.51.100.1 peer 198.51.100.2/32", "inet6 2001:db8::7/64 scope global")
			for _, lost := range []string{"192.0.2.9", "2001:db8::9", "169.254.7.7", "fe80::9"} {
				if strings.Contains(got, lost) {
					t.Errorf("%s\n\nwant no %s in it", got, lost)
				}
			}
			if got := ip(t, "-brief link show"); strings.Contains(got, "given@") {
				t.Errorf("the device is still on the host:\n%s", got)
			}
			c.start(t)
		})
	}
}

// TestNetDeviceNameInUse: a name in use is refused, before the device leaves the host; a
// template finds another one.
func TestNetDeviceNameInUse(t *testing.T) {
	newNetwork(t)
	file := filepath.Join(t.TempDir(), "net")
	shell(t, "touch "+file+" && unshare --net="+file+" ip link add eth0 type veth peer name other")
	t.Cleanup(func() { unix.Unmount(file, unix.MNT_DETACH) })
	c := newContainer(t, moved("given", "eth0"), "sleep 60")
	in(specs.NetworkNamespace, file)(c.spec)
	c.fails(t, []string{"create", c.id}, "linux.netDevices: given", "eth%d")
	wantWords(t, ip(t, "-brief link show"), "given@far")

	c.spec.Linux.NetDevices["given"] = specs.LinuxNetDevice{Name: "eth%d"}
	c.create(t)
	wantWords(t, c.ip(t, "link show"), "eth0@", "eth1@", "02:00:00:00:00:07")
}

// TestInvalidNetDeviceRefused: a missing one, one that cannot move, an invalid name.
func TestInvalidNetDeviceRefused(t *testing.T) {
	newNetwork(t)
	for _, test := range []struct{ device, name, want string }{
		{"nothing", "", `linux.netDevices: "nothing": no such device on the host`},
		{"lo", "lo7", "choose another device: this one cannot leave its network namespace"},
		{"given", "a/b", `linux.netDevices: "given": "a/b": not a device name`},
	} {
		newContainer(t, moved(test.device, test.name), "true").runFails(t, test.want)
	}
}
