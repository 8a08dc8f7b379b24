package runtime

import (
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Network devices are moved from a network namespace of the test's own, with ends
// of veth pairs for devices.

// newNetwork makes one, for this thread and whatever it starts, with the pair
// given and its other end, far.
func newNetwork(t *testing.T, fds string) {
	t.Helper()
	oci(t)
	goruntime.LockOSThread() // for good: the namespace ends with the thread
	try(t, unix.Unshare(unix.CLONE_NEWNET))
	testkit.NeedTool(t, "ip")
	ip(t, "link add "+fds+" type veth peer name far")
	ip(t, "link set "+fds+" address 02:00:00:00:00:07 mtu 1400")
}

func ip(t *testing.T, words string) string {
	t.Helper()
	out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v\n%s", words, err, out)
	}
	return strings.TrimSpace(string(out))
}

func moves(devices map[string]specs.LinuxNetDevice) func(*specs.Spec) {
	return func(s *specs.Spec) {
		s.Linux.NetDevices = devices
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.NetworkNamespace})
	}
}

// tells looks for words in what is printed about a device.
func tells(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), w) {
			t.Errorf("%s\n\nwant %q in it", text, w)
		}
	}
}

// TestNetDevice: it keeps what it has, loses what it had for a while, and is up.
func TestNetDevice(t *testing.T) {
	for name, test := range map[string]struct{ device, named, want string }{
		"its own name":    {"given", "", "given"},
		"another name":    {"given", "eth0", "eth0"},
		"a template":      {"given", "eth%d", "eth0"},
		"its own, a user": {"given", "", "given"},
	} {
		t.Run(name, func(t *testing.T) {
			newNetwork(t, test.device)
			for _, address := range []string{
				"192.0.2.7/24 brd 192.0.2.255", "198.51.100.1 peer 198.51.100.2/32", "2001:db8::7/64 nodad",
				"192.0.2.9/24 valid_lft 100 preferred_lft 100", "2001:db8::9/64 valid_lft 100 preferred_lft 100",
				"169.254.7.7/16 scope link", "fe80::9/64 nodad",
			} {
				ip(t, "address add "+address+" dev "+test.device)
			}
			c := newContainer(t, func(s *specs.Spec) {
				moves(map[string]specs.LinuxNetDevice{test.device: {Name: test.named}})(s)
				if strings.Contains(name, "user") {
					mapped(s)
				}
			}, "sleep 60")
			c.create(t)
			got := c.ip(t, "link show dev "+test.want)
			tells(t, got, "02:00:00:00:00:07", "mtu 1400", "MULTICAST", ",UP")
			got = c.ip(t, "address show dev "+test.want)
			tells(t, got, "inet 192.0.2.7/24 brd 192.0.2.255 scope global "+test.want,
				"inet 198.51.100.1 peer 198.51.100.2/32", "inet6 2001:db8::7/64 scope global")
			for _, lost := range []string{"192.0.2.9", "2001:db8::9", "169.254.7.7", "fe80::9"} {
				if strings.Contains(got, lost) {
					t.Errorf("%s\n\nwant no %s in it", got, lost)
				}
			}
			if got := ip(t, "-brief link show"); strings.Contains(got, test.device+"@") {
				t.Errorf("the device is on the host, still:\n%s", got)
			}
			c.start(t)
		})
	}
}

// mapped gives the container a user namespace in which it is root.
func mapped(s *specs.Spec) {
	s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	s.Linux.UIDMappings = []specs.LinuxIDMapping{{HostID: 0, Size: 1000}}
	s.Linux.GIDMappings = s.Linux.UIDMappings
}

// ip shows the container's network.
func (c *container) ip(t *testing.T, words string) string {
	t.Helper()
	pid := c.pid(t)
	out, err := exec.Command("nsenter", append([]string{"--net=/proc/" + strconv.Itoa(pid) + "/ns/net", "ip"},
		strings.Fields(words)...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v\n%s", words, err, out)
	}
	return string(out)
}

// joinsNetwork makes a network namespace that has a device of a name, and lets a
// container join it.
func joinsNetwork(t *testing.T, name string) func(*specs.Spec) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "net")
	shell(t, "/", "touch "+file+" && unshare --net="+file+" ip link add "+name+" type veth peer name other")
	t.Cleanup(func() { unix.Unmount(file, unix.MNT_DETACH) })
	return func(s *specs.Spec) {
		n := s.Linux.Namespaces
		n[len(n)-1].Path = file
	}
}

// TestNetDeviceNameTaken: a name that is there already is refused, before the device
// leaves the host; a template finds another one.
func TestNetDeviceNameTaken(t *testing.T) {
	newNetwork(t, "given")
	join := joinsNetwork(t, "eth0")
	c := newContainer(t, func(s *specs.Spec) {
		moves(map[string]specs.LinuxNetDevice{"given": {Name: "eth0"}})(s)
		join(s)
	}, "sleep 60")
	out, err := c.oci("create", "--bundle", c.dir, c.id)
	if err == nil || !strings.Contains(out, "linux.netDevices: given") || !strings.Contains(out, "eth%d") {
		t.Errorf("%v\n%s", err, out)
	}
	tells(t, ip(t, "-brief link show"), "given@far")

	c = newContainer(t, func(s *specs.Spec) {
		moves(map[string]specs.LinuxNetDevice{"given": {Name: "eth%d"}})(s)
		join(s)
	}, "sleep 60")
	c.create(t)
	tells(t, c.ip(t, "link show"), "eth0@", "eth1@", "02:00:00:00:00:07")
}

// TestNetDeviceRefused: what is not there, or must stay.
func TestNetDeviceRefused(t *testing.T) {
	newNetwork(t, "given")
	for device, want := range map[string]string{
		"nothing": `linux.netDevices: "nothing": no such device on the host`,
		"lo":      "this device cannot leave its network namespace",
		"given":   `linux.netDevices: "given": "a/b": not a device name`,
	} {
		c := newContainer(t,
			moves(map[string]specs.LinuxNetDevice{device: {Name: map[string]string{"lo": "lo7",
				"given": "a/b"}[device]}}), "true")
		out, err := c.oci("run", "--bundle", c.dir, c.id)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", device, err, out)
		}
	}
}
