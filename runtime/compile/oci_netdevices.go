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

	"github.com/minictr/minictr/internal/printable"
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
	socket := call.Socket(plan.Named(unix.AF_NETLINK, "AF_NETLINK"), plan.Named(unix.SOCK_RAW, "SOCK_RAW"),
		plan.Named(unix.NETLINK_ROUTE, "NETLINK_ROUTE"))
	l.host("the host's network namespace", call.Openat("", "/proc/thread-self/ns/net", 0).As(ownNetwork))
	l.host("a netlink socket in the host's namespace", socket.As(rtnetlink))
	l.host("enter the container's: a socket belongs to the namespace that it was made in",
		call.Setns(theirs, unix.CLONE_NEWNET))
	l.host("a netlink socket in the container's namespace", socket.As(theirsSocket))
	l.host("return; the socket still belongs to the container's", call.Setns(ownNetwork, unix.CLONE_NEWNET))
}

// giveNetDevice moves a device to the network theirs.
func giveNetDevice(l *list, device NetDevice, newName string, theirs plan.Ref) {
	name := append([]byte(newName), 0)
	if !strings.Contains(newName, "%d") {
		get := message(unix.RTM_GETLINK, 0, ifinfomsg(0, 0))
		rtattr(get, unix.IFLA_IFNAME, name)
		get.Text = fmt.Sprintf("{RTM_GETLINK, IFLA_IFNAME=%s}", printable.Quote(newName))
		ask(l, theirsSocket, "fail if the container has a device of this name", get, unix.ENODEV)
	}

	// move it, with a number that no device in there has: the lower ones are given in turn
	index := device.Index + 1<<20
	move := message(unix.RTM_NEWLINK, unix.NLM_F_ACK, ifinfomsg(device.Index, 0))
	rtattr(move, unix.IFLA_IFNAME, name)
	rtattr(move, unix.IFLA_NEW_IFINDEX, binary.NativeEndian.AppendUint32(nil, uint32(index)))
	rtattr(move, unix.IFLA_NET_NS_FD, make([]byte, 4)).With32(len(move.Bytes)-4, theirs)
	move.Text = fmt.Sprintf("{RTM_NEWLINK, ifi_index=%d, IFLA_IFNAME=%s, IFLA_NEW_IFINDEX=%d, IFLA_NET_NS_FD=%s}",
		device.Index, printable.Quote(newName), index, theirs)
	ask(l, rtnetlink, "move the device into the container's namespace, and rename it", move)

	// its addresses, and up
	for _, a := range device.Addresses {
		m := message(unix.RTM_NEWADDR, unix.NLM_F_ACK|unix.NLM_F_CREATE, ifaddrmsg(a, index))
		m.Bytes = append(m.Bytes, a.Attributes...)
		m.Text = fmt.Sprintf("{RTM_NEWADDR, ifa_index=%d, IFA_ADDRESS=%s}", index, a.Text)
		ask(l, theirsSocket, "add an address that it had on the host", m)
	}
	up := message(unix.RTM_NEWLINK, unix.NLM_F_ACK, ifinfomsg(index, unix.IFF_UP))
	up.Text = fmt.Sprintf("{RTM_NEWLINK, ifi_index=%d, ifi_flags=IFF_UP}", index)
	ask(l, theirsSocket, "bring it up", up)
}

const taken = "choose another name, or a pattern such as eth%d: the container has a device of this name"

// ask sends a message and reads the answer. With want it has to be this error.
func ask(l *list, socket plan.Ref, why string, m *plan.Mem, want ...unix.Errno) {
	binary.NativeEndian.PutUint32(m.Bytes, uint32(len(m.Bytes)))
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

// message begins with struct nlmsghdr; its length is known at the end.
func message(kind, set uint16, body []byte) *plan.Mem {
	m := &plan.Mem{Bytes: make([]byte, unix.SizeofNlMsghdr)}
	binary.NativeEndian.PutUint16(m.Bytes[4:], kind)
	binary.NativeEndian.PutUint16(m.Bytes[6:], unix.NLM_F_REQUEST|set)
	m.Bytes = append(m.Bytes, body...)
	return m
}

func ifinfomsg(index int, up uint32) []byte {
	m := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(m[4:], uint32(index))
	binary.NativeEndian.PutUint32(m[8:], up)
	binary.NativeEndian.PutUint32(m[12:], up) // the flags that change
	return m
}

func ifaddrmsg(a NetAddress, index int) []byte {
	m := []byte{a.Family, a.Prefix, unix.IFA_F_PERMANENT, unix.RT_SCOPE_UNIVERSE}
	return binary.NativeEndian.AppendUint32(m, uint32(index))
}

// rtattr appends a struct rtattr, filled up to whole words.
func rtattr(m *plan.Mem, kind uint16, value []byte) *plan.Mem {
	const header, word = 4, 4
	m.Bytes = binary.NativeEndian.AppendUint16(m.Bytes, uint16(header+len(value)))
	m.Bytes = binary.NativeEndian.AppendUint16(m.Bytes, kind)
	m.Bytes = append(m.Bytes, value...)
	for len(m.Bytes)%word != 0 {
		m.Bytes = append(m.Bytes, 0)
	}
	return m
}
