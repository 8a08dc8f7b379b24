package call

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// A netlink message is a request to a part of the kernel (netlink(7)): a header, a struct that
// its kind has, and attributes, which may hold further attributes (rtnetlink(7)). The kernel
// answers each with an error number, 0 for success.

// Attribute is an attribute of a netlink message, a struct nlattr.
type Attribute struct {
	Kind plan.Num // with its name: IFLA_IFNAME
	// Value is a Str, with its NUL; a Num or a Ref, of 32 bits; or a *Mem: its bytes, or
	// Attributes.
	Value plan.Arg
}

// NetlinkSocket makes a socket of a netlink protocol, such as NETLINK_ROUTE. It belongs to the
// network namespace of the caller.
func NetlinkSocket(protocol plan.Num) plan.Step {
	return Socket(plan.Named(unix.AF_NETLINK, "AF_NETLINK"), plan.Named(unix.SOCK_RAW, "SOCK_RAW"), protocol)
}

// RouteSocket makes a socket for messages of rtnetlink(7).
func RouteSocket() plan.Step { return NetlinkSocket(plan.Named(unix.NETLINK_ROUTE, "NETLINK_ROUTE")) }

// NetlinkMessage returns a message of a kind, such as RTM_NEWLINK, with flags, such as
// NLM_F_ACK. Its struct is printed if its text is not empty.
func NetlinkMessage(kind plan.Num, flags uint16, body *plan.Mem, attributes ...Attribute) *plan.Mem {
	m := &plan.Mem{Bytes: make([]byte, unix.SizeofNlMsghdr)}
	text := []string{kind.String()}
	if body.Text != "" {
		text = append(text, body.Text)
	}
	m.Bytes = append(m.Bytes, body.Bytes...)
	text = appendAttributes(m, text, attributes)
	m.Text = "{" + strings.Join(text, ", ") + "}"
	binary.NativeEndian.PutUint32(m.Bytes, uint32(len(m.Bytes)))
	binary.NativeEndian.PutUint16(m.Bytes[4:], uint16(kind.Value))
	binary.NativeEndian.PutUint16(m.Bytes[6:], unix.NLM_F_REQUEST|flags)
	return m
}

// Attributes returns attributes that are the value of another.
func Attributes(attributes ...Attribute) *plan.Mem {
	m := &plan.Mem{}
	m.Text = "{" + strings.Join(appendAttributes(m, nil, attributes), ", ") + "}"
	return m
}

// appendAttributes appends attributes to a message, and to its text. Each begins at a whole
// word.
func appendAttributes(m *plan.Mem, text []string, attributes []Attribute) []string {
	const header, align = 4, 4
	for _, a := range attributes {
		begin := len(m.Bytes)
		m.Bytes = append(m.Bytes, make([]byte, header)...)
		switch v := a.Value.(type) {
		case plan.Str:
			m.Bytes = append(append(m.Bytes, v...), 0)
		case plan.Num:
			m.Bytes = binary.NativeEndian.AppendUint32(m.Bytes, uint32(v.Value))
		case plan.Ref:
			m.With32(len(m.Bytes), v)
			m.Bytes = append(m.Bytes, make([]byte, 4)...)
		case *plan.Mem:
			for _, f := range v.Fields {
				f.Offset += len(m.Bytes)
				m.Fields = append(m.Fields, f)
			}
			m.Bytes = append(m.Bytes, v.Bytes...)
		}
		binary.NativeEndian.PutUint16(m.Bytes[begin:], uint16(len(m.Bytes)-begin))
		binary.NativeEndian.PutUint16(m.Bytes[begin+2:], uint16(a.Kind.Value))
		for len(m.Bytes)%align != 0 {
			m.Bytes = append(m.Bytes, 0)
		}
		text = append(text, a.Kind.String()+"="+a.Value.String())
	}
	return text
}

// Link is a struct ifinfomsg: the network device with an index, 0 for none, and flags that are
// set, such as IFF_UP.
func Link(index int, flags plan.Num) *plan.Mem {
	const indexOffset, flagsOffset, changeOffset = 4, 8, 12
	m := &plan.Mem{Bytes: make([]byte, unix.SizeofIfInfomsg)}
	binary.NativeEndian.PutUint32(m.Bytes[indexOffset:], uint32(index))
	binary.NativeEndian.PutUint32(m.Bytes[flagsOffset:], uint32(flags.Value))
	binary.NativeEndian.PutUint32(m.Bytes[changeOffset:], uint32(flags.Value))
	if index != 0 {
		m.Text = "ifi_index=" + strconv.Itoa(index)
	}
	if flags.Value != 0 {
		m.Text += ", ifi_flags=" + flags.String()
	}
	return m
}

// NetlinkSend writes a message to a netlink socket.
func NetlinkSend(socket plan.Ref, m *plan.Mem) plan.Step {
	return plan.Syscall("write", unix.SYS_WRITE, socket, m, plan.Int(len(m.Bytes)))
}

// NetlinkAnswer reads the answer, a struct nlmsgerr, whose error is the step's result.
func NetlinkAnswer(socket plan.Ref) plan.Step {
	const errorOffset, room = 16, 1024
	s := plan.Syscall("read", unix.SYS_READ, socket,
		&plan.Mem{Bytes: make([]byte, room), Text: "{NLMSG_ERROR, error}"}, plan.Int(room))
	s.Returns = &plan.Place{Arg: 1, Offset: errorOffset}
	return s
}
