package runtime

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ip runs ip(8) on the host.
func ip(t *testing.T, words string) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no ip(8) to make devices with: apt-get install iproute2")
	}
	if out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", words, err, out)
	}
}

// pair makes two devices that are each other's other end; both are gone with one.
func pair(t *testing.T) (here, given string) {
	t.Helper()
	here, given = fmt.Sprintf("mh%d", os.Getpid()), fmt.Sprintf("mg%d", os.Getpid())
	ip(t, "link add "+here+" type veth peer name "+given)
	t.Cleanup(func() { exec.Command("ip", "link", "del", here).Run() })
	return here, given
}

func withDevice(name, newName string, namespace specs.LinuxNamespace) func(*specs.Spec) {
	return func(s *specs.Spec) {
		namespace.Type = specs.NetworkNamespace
		s.Linux.Namespaces = append(s.Linux.Namespaces, namespace)
		s.Linux.NetDevices = map[string]specs.LinuxNetDevice{name: {Name: newName}}
	}
}

// TestNetDevices: the device is in the container, under its name there, up and
// with the addresses that last; and not on the host.
func TestNetDevices(t *testing.T) {
	program := oci(t)
	for newName, want := range map[string]string{"": "", "eth7": "eth7", "net%d": "net0"} {
		here, given := pair(t)
		if want == "" {
			want = given
		}
		ip(t, "addr add 10.77.0.2/24 broadcast 10.77.0.255 dev "+given)
		ip(t, "addr add fd77::2/64 dev "+given)
		ip(t, "addr add 10.78.0.2/24 dev "+given+" scope link")
		out, err := run(t, program, withDevice(given, newName, specs.LinuxNamespace{}),
			"ip addr show dev "+want+"; test -e /sys/class/net/"+given+" && echo host")
		for _, text := range []string{want + "@", "UP", "inet 10.77.0.2/24 brd 10.77.0.255", "inet6 fd77::2/64"} {
			if !strings.Contains(out, text) {
				t.Errorf("name %q: no %q: %v\n%s", newName, text, err, out)
			}
		}
		if strings.Contains(out, "10.78.0.2") {
			t.Errorf("an address of the link came along:\n%s", out)
		}
		// the container has ended, and its end of the pair, so ours
		if _, err := os.Stat(filepath.Join("/sys/class/net", here)); err == nil {
			exec.Command("ip", "link", "del", here).Run()
		}
	}
}

// TestNetDeviceRefused: one that is not there, and a name that is taken.
func TestNetDeviceRefused(t *testing.T) {
	program := oci(t)
	_, given := pair(t)
	network := fmt.Sprintf("minictr%d", os.Getpid())
	ip(t, "netns add "+network)
	t.Cleanup(func() { exec.Command("ip", "netns", "del", network).Run() })
	joined := specs.LinuxNamespace{Path: "/run/netns/" + network}
	for want, change := range map[string]func(*specs.Spec){
		"the host has no such device":  withDevice("nowhere0", "", specs.LinuxNamespace{}),
		"no name of a device":          withDevice(given, "a/b", specs.LinuxNamespace{}),
		"network has one of that name": withDevice(given, "lo", joined),
	} {
		out, err := run(t, program, change, "echo it runs")
		if err == nil || !strings.Contains(out, want) || strings.Contains(out, "it runs") {
			t.Errorf("%v\n%s\nwant %s", err, out, want)
		}
	}
	out, err := run(t, program, withDevice(given, "eth0", joined), "ip addr show dev eth0")
	if err != nil || !strings.Contains(out, "eth0@") || !strings.Contains(out, "UP") {
		t.Errorf("into a joined namespace: %v\n%s", err, out)
	}
}
