package runtime

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// netDevices returns the network devices of linux.netDevices by name, for compile.Options:
// their indexes and addresses (rtnetlink(7)).
func netDevices(spec *specs.Spec) (map[string]compile.NetDevice, error) {
	if spec.Linux == nil || len(spec.Linux.NetDevices) == 0 {
		return nil, nil
	}
	found := map[string]compile.NetDevice{}
	names := map[uint32]string{}
	err := eachMessage(unix.RTM_GETLINK, unix.RTM_NEWLINK, func(m message, attrs []attribute) {
		index := binary.NativeEndian.Uint32(m.Data[4:])
		for _, a := range attrs {
			if a.Attr.Type == unix.IFLA_IFNAME {
				name := unix.ByteSliceToString(a.Value)
				if _, wanted := spec.Linux.NetDevices[name]; wanted {
					found[name], names[index] = compile.NetDevice{Index: int(index)}, name
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	err = eachMessage(unix.RTM_GETADDR, unix.RTM_NEWADDR, func(m message, attrs []attribute) {
		name, wanted := names[binary.NativeEndian.Uint32(m.Data[4:])]
		if address, lasting := permanent(m, attrs); wanted && lasting {
			d := found[name]
			d.Addresses = append(d.Addresses, address)
			found[name] = d
		}
	})
	return found, err
}

type (
	message   = syscall.NetlinkMessage
	attribute = syscall.NetlinkRouteAttr
)

// eachMessage calls f for every message of a kind in the reply to a request.
func eachMessage(request, kind int, f func(message, []attribute)) error {
	data, err := syscall.NetlinkRIB(request, unix.AF_UNSPEC)
	if err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	messages, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	for i := range messages {
		if messages[i].Header.Type != uint16(kind) {
			continue
		}
		attributes, err := syscall.ParseNetlinkRouteAttr(&messages[i])
		if err != nil {
			return fmt.Errorf("rtnetlink: %w", err)
		}
		f(messages[i], attributes)
	}
	return nil
}

// permanent returns an address that moves with its device: one that is neither leased
// nor of link or host scope (runtime-spec, config-linux.md, "Network Devices").
func permanent(m syscall.NetlinkMessage, attributes []syscall.NetlinkRouteAttr) (a compile.NetAddress, ok bool) {
	a.Family, a.Prefix = m.Data[0], m.Data[1]
	flags, scope := uint32(m.Data[2]), m.Data[3]
	for _, attribute := range attributes {
		switch attribute.Attr.Type {
		case unix.IFA_FLAGS:
			flags = binary.NativeEndian.Uint32(attribute.Value)
		case unix.IFA_ADDRESS, unix.IFA_LOCAL, unix.IFA_BROADCAST:
			if ip, ok := netip.AddrFromSlice(attribute.Value); ok && attribute.Attr.Type == unix.IFA_ADDRESS {
				a.Text = fmt.Sprintf("%s/%d", ip, a.Prefix)
			}
			a.Attributes = binary.NativeEndian.AppendUint16(a.Attributes, uint16(4+len(attribute.Value)))
			a.Attributes = binary.NativeEndian.AppendUint16(a.Attributes, attribute.Attr.Type)
			a.Attributes = append(a.Attributes, attribute.Value...) // 4 or 16 bytes
		}
	}
	return a, flags&unix.IFA_F_PERMANENT != 0 && scope == unix.RT_SCOPE_UNIVERSE
}
