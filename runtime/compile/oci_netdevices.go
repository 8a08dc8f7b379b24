// Beyond a plain container: network devices of the host
//
// A network device belongs to one network namespace at a time. It is moved by a
// message to the kernel (rtnetlink(7)), and the kernel answers each with an error
// number, 0 for success. The host moves the device out of its own namespace; addresses
// and routes do not go along. So it then asks in the other one, through a socket that
// was made there, to give the device its addresses again, and sets it up. The child
// waits until that is done.
//
// When the namespace ends, the kernel gives a physical device back; one that is
// virtual ends, too.

package compile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const (
	ownNetwork   = plan.Ref("own-network")
	rtnetlink    = plan.Ref("rtnetlink")          // a socket in the host's network
	theirsSocket = plan.Ref("rtnetlink-in-there") // and one in the container's
)

// moveNetDevices moves linux.netDevices.
func (b *builder) moveNetDevices() error {
	devices := b.spec.Linux.NetDevices
	if len(devices) == 0 {
		return nil
	}
	b.begin("clone", "linux.netDevices")
	theirs := namespaceRef(specs.NetworkNamespace)
	switch b.shape.ns[networkNS] {
	case inherited:
		return errors.New("linux.netDevices: requires a network namespace")
	case created:
		theirs = "network"
		b.host("the container's network namespace", call.Openat("", "/proc/@pid/ns/net", 0).As(theirs))
	}
	openNetworks(&b.list, theirs)
	for _, name := range slices.Sorted(maps.Keys(devices)) {
		b.from = "linux.netDevices: " + name
		device, ok := b.shape.options.NetDevices[name]
		if !ok {
			return fmt.Errorf("linux.netDevices: %q: no such device on the host", name)
		}
		newName := devices[name].Name
		if newName == "" {
			newName = name
		}
		if len(newName) >= unix.IFNAMSIZ || strings.ContainsAny(newName, "/: \t\n\x00") ||
			newName == "." || newName == ".." {
			return fmt.Errorf("linux.netDevices: %q: %q: not a device name", name, newName)
		}
		giveNetDevice(&b.list, device, newName, theirs)
	}
	b.from = "linux.netDevices"
	b.host("tell the child that its network devices are there", call.Write(plan.ResumeWrite, "."))
	return nil
}

// openNetworks opens a socket in each of the two namespaces.
func openNetworks(l *list, theirs plan.Ref) {
	socket := call.RouteSocket()
	l.host("the host's network namespace", call.Openat("", "/proc/thread-self/ns/net", 0).As(ownNetwork))
	l.host("a netlink socket in the host's namespace", socket.As(rtnetlink))
	l.host("enter the container's: a socket belongs to the namespace that it was made in",
		call.Setns(theirs, unix.CLONE_NEWNET))
	l.host("a netlink socket in the container's namespace", socket.As(theirsSocket))
	l.host("return; the socket still belongs to the container's", call.Setns(ownNetwork, unix.CLONE_NEWNET))
}

// giveNetDevice moves a device to the network theirs.
func giveNetDevice(l *list, device NetDevice, newName string, theirs plan.Ref) {
	name := call.Attribute{Kind: plan.Named(unix.IFLA_IFNAME, "IFLA_IFNAME"), Value: plan.Str(newName)}
	newLink := plan.Named(unix.RTM_NEWLINK, "RTM_NEWLINK")
	if !strings.Contains(newName, "%d") {
		get := plan.Named(unix.RTM_GETLINK, "RTM_GETLINK")
		ask(l, theirsSocket, "fail if the container has a device of this name",
			call.NetlinkMessage(get, 0, call.Link(0, plan.Num{}), name), unix.ENODEV)
	}

	// move it, with a number that no device in there has: the lower ones are given in turn
	index := device.Index + 1<<20
	ask(l, rtnetlink, "move the device into the container's namespace, and rename it",
		call.NetlinkMessage(newLink, unix.NLM_F_ACK, call.Link(device.Index, plan.Num{}), name,
			call.Attribute{Kind: plan.Named(unix.IFLA_NEW_IFINDEX, "IFLA_NEW_IFINDEX"), Value: plan.Int(index)},
			call.Attribute{Kind: plan.Named(unix.IFLA_NET_NS_FD, "IFLA_NET_NS_FD"), Value: theirs}))

	// its addresses, and up
	for _, a := range device.Addresses {
		ask(l, theirsSocket, "add an address that it had on the host",
			call.NetlinkMessage(plan.Named(unix.RTM_NEWADDR, "RTM_NEWADDR"), unix.NLM_F_ACK|unix.NLM_F_CREATE,
				ifaddrmsg(a, index)))
	}
	ask(l, theirsSocket, "bring it up",
		call.NetlinkMessage(newLink, unix.NLM_F_ACK, call.Link(index, plan.Named(unix.IFF_UP, "IFF_UP"))))
}

const taken = "choose another name, or a pattern such as eth%d: the container has a device of this name"

// ask sends a message and reads the answer. With want it has to be this error.
func ask(l *list, socket plan.Ref, why string, m *plan.Mem, want ...unix.Errno) {
	l.host(why, call.NetlinkSend(socket, m))
	answer := call.NetlinkAnswer(socket).Allow(want...).
		Hint(unix.EEXIST, taken).Hint(unix.EINVAL, "choose another device: this one cannot leave its network namespace")
	for _, e := range want {
		answer = answer.Hint(0, taken)
		answer.Expect = &plan.Expect{Arg: 1, Offset: answer.Returns.Offset, Mask: 1<<32 - 1, Value: uint64(-uint32(e))}
	}
	l.host("the kernel's answer", answer)
}

// awaitNetDevices lets the child wait for them.
func (b *builder) awaitNetDevices() error {
	if len(b.spec.Linux.NetDevices) > 0 {
		b.begin("namespaces", "linux.netDevices")
		b.await("wait until the host has moved the network devices", plan.Alive)
	}
	return nil
}

// ifaddrmsg is the struct of a message about an address, with its attributes.
func ifaddrmsg(a NetAddress, index int) *plan.Mem {
	m := []byte{a.Family, a.Prefix, unix.IFA_F_PERMANENT, unix.RT_SCOPE_UNIVERSE}
	m = append(binary.NativeEndian.AppendUint32(m, uint32(index)), a.Attributes...)
	return &plan.Mem{Bytes: m, Text: fmt.Sprintf("ifa_index=%d, IFA_ADDRESS=%s", index, a.Text)}
}
