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

// A network device belongs to one network namespace at a time. It is asked for
// by a message to the kernel (rtnetlink(7)), and the kernel answers each with an
// error number, 0 for success. The host gives the device away from its own
// namespace; addresses and routes do not go along, so it then looks into the
// other one, through a socket that was made there, gives the device its addresses
// again and sets it up. The child waits until that is done.
//
// When the namespace ends, the kernel gives a physical device back; one that is
// virtual ends, too.

// NetDevice is what the host knows of a device that is to be given away.
type NetDevice struct {
	Index     int
	Addresses []NetAddress // those that are permanent and of global scope
}

// NetAddress is the body of a message about an address, but for the device.
type NetAddress struct {
	Family, Prefix uint8
	Attributes     []byte // IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST
	Text           string // "10.0.0.1/24"
}

const (
	theirNetwork = plan.Ref("network")
	ourNetwork   = plan.Ref("own-network")
	rtnetlink    = plan.Ref("rtnetlink")
	inThere      = plan.Ref("rtnetlink-in-there")
)

// giveNetDevices moves linux.netDevices.
func (b *builder) giveNetDevices() error {
	devices := b.linux.NetDevices
	if len(devices) == 0 {
		return nil
	}
	b.begin("clone", "linux.netDevices")
	if !b.has(specs.NetworkNamespace) {
		return errors.New("linux.netDevices: without a namespace of type network they are the host's already")
	}
	b.openNetworks()
	for _, name := range slices.Sorted(maps.Keys(devices)) {
		b.from = "linux.netDevices: " + name
		if err := b.giveNetDevice(name, devices[name].Name); err != nil {
			return fmt.Errorf("linux.netDevices: %q: %w", name, err)
		}
	}
	b.from = "linux.netDevices"
	b.host("tell the child that they are there", call.Write(plan.ResumeWrite, "."))
	return nil
}

// openNetworks opens both namespaces, and a socket in each.
func (b *builder) openNetworks() {
	theirs := namespaceRef(specs.NetworkNamespace)
	if !b.joins(specs.NetworkNamespace) {
		theirs = theirNetwork
		b.host("the container's network", call.Openat("", "/proc/@pid/ns/net", 0).As(theirs))
	}
	b.host("and our own", call.Openat("", "/proc/thread-self/ns/net", 0).As(ourNetwork))
	b.host("here devices are given away", netlink().As(rtnetlink))
	b.host("a socket speaks of the network in which it was made", call.Setns(theirs, unix.CLONE_NEWNET))
	b.host("here they arrive", netlink().As(inThere))
	b.host("back again; the socket stays in there", call.Setns(ourNetwork, unix.CLONE_NEWNET))
}

func (b *builder) giveNetDevice(name, newName string) error {
	device, ok := b.options.NetDevices[name]
	if !ok {
		return errors.New("the host has no such device")
	}
	if newName == "" {
		newName = name
	}
	if len(newName) >= unix.IFNAMSIZ || strings.ContainsAny(newName, "/: \t\n\x00") || newName == "." || newName == ".." {
		return fmt.Errorf("%q: no name of a device", newName)
	}
	theirs := namespaceRef(specs.NetworkNamespace)
	if !b.joins(specs.NetworkNamespace) {
		theirs = theirNetwork
	}
	if !strings.Contains(newName, "%d") {
		get := message(unix.RTM_GETLINK, 0, ifinfomsg(0, 0))
		rtattr(get, unix.IFLA_IFNAME, append([]byte(newName), 0))
		get.Text = fmt.Sprintf("{RTM_GETLINK, IFLA_IFNAME=%s}", printable.Quote(newName))
		b.ask(inThere, "is the name free? where it is not, a device would move and keep its own", get, unix.ENODEV)
	}
	// A number that no device in there has: the lower ones are given in turn.
	index := device.Index + 1<<20
	move := message(unix.RTM_NEWLINK, unix.NLM_F_ACK, ifinfomsg(device.Index, 0))
	rtattr(move, unix.IFLA_IFNAME, append([]byte(newName), 0))
	rtattr(move, unix.IFLA_NEW_IFINDEX, binary.NativeEndian.AppendUint32(nil, uint32(index)))
	rtattr(move, unix.IFLA_NET_NS_FD, make([]byte, 4)).With32(len(move.Bytes)-4, theirs)
	move.Text = fmt.Sprintf("{RTM_NEWLINK, ifi_index=%d, IFLA_IFNAME=%s, IFLA_NEW_IFINDEX=%d, IFLA_NET_NS_FD=%s}", device.Index, printable.Quote(newName), index, theirs)
	b.ask(rtnetlink, "into the container's network, under the name that it has there", move)
	for _, a := range device.Addresses {
		m := message(unix.RTM_NEWADDR, unix.NLM_F_ACK|unix.NLM_F_CREATE, ifaddrmsg(a, index))
		m.Bytes = append(m.Bytes, a.Attributes...)
		m.Text = fmt.Sprintf("{RTM_NEWADDR, ifa_index=%d, IFA_ADDRESS=%s}", index, a.Text)
		b.ask(inThere, "the address that it had here", m)
	}
	up := message(unix.RTM_NEWLINK, unix.NLM_F_ACK, ifinfomsg(index, unix.IFF_UP))
	up.Text = fmt.Sprintf("{RTM_NEWLINK, ifi_index=%d, ifi_flags=IFF_UP}", index)
	b.ask(inThere, "set it up", up)
	return nil
}

// ask sends a message and reads the answer, a struct nlmsgerr. With want it has to
// be this error.
func (b *builder) ask(socket plan.Ref, why string, m *plan.Mem, want ...unix.Errno) {
	const errorOffset, room = 16, 1024
	binary.NativeEndian.PutUint32(m.Bytes, uint32(len(m.Bytes)))
	b.host(why, plan.Syscall("write", unix.SYS_WRITE, socket, m, plan.Int(len(m.Bytes))))
	answer := plan.Syscall("read", unix.SYS_READ, socket, &plan.Mem{Bytes: make([]byte, room), Text: "{NLMSG_ERROR, error}"}, plan.Int(room)).Allow(want...)
	answer.Returns = &plan.Place{Arg: 1, Offset: errorOffset}
	for _, e := range want {
		answer.Expect = &plan.Expect{Arg: 1, Offset: errorOffset, Mask: 1<<32 - 1, Value: uint64(-uint32(e))}
	}
	b.host("the kernel's answer", answer)
}

// awaitNetDevices lets the child wait for them.
func (b *builder) awaitNetDevices() error {
	if len(b.linux.NetDevices) > 0 {
		b.begin("namespaces", "linux.netDevices")
		b.await("wait until the host has given it its network devices", plan.Alive)
	}
	return nil
}

func netlink() plan.Step {
	return plan.Syscall("socket", unix.SYS_SOCKET, plan.Named(unix.AF_NETLINK, "AF_NETLINK"),
		plan.Named(unix.SOCK_RAW|unix.SOCK_CLOEXEC, "SOCK_RAW|SOCK_CLOEXEC"), plan.Named(unix.NETLINK_ROUTE, "NETLINK_ROUTE"))
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
