package doctor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// step is a step of a plan.
type step = plan.Step

// checkNetDevices makes a bridge and a pair of veth devices (veth(4)) in a network namespace
// that ends with the check.
func checkNetDevices(string) []Finding {
	const socket = plan.Ref("rtnetlink")
	for _, kind := range []string{"bridge", "veth"} {
		info := call.Attributes(call.Attribute{
			Kind: plan.Named(unix.IFLA_INFO_KIND, "IFLA_INFO_KIND"), Value: plan.Str(kind)})
		newLink := call.NetlinkMessage(plan.Named(unix.RTM_NEWLINK, "RTM_NEWLINK"),
			unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL, call.Link(0, plan.Num{}),
			call.Attribute{Kind: plan.Named(unix.IFLA_LINKINFO, "IFLA_LINKINFO"), Value: info})
		err := trySteps(call.Unshare(unix.CLONE_NEWNET), call.RouteSocket().As(socket),
			call.NetlinkSend(socket, newLink), call.NetlinkAnswer(socket).As("answer"))
		if err != nil {
			return []Finding{failed("network devices", Warning, fmt.Errorf("%s: %w", kind, err),
				"a network between containers", "modprobe "+kind)}
		}
	}
	return []Finding{{Name: "network devices", Status: OK, Found: "bridge, veth"}}
}

// checkNftables asks nftables for the number of its generation, which only reads.
func checkNftables(string) []Finding {
	if err := askNftables(); err != nil {
		return []Finding{failed("nftables", Warning, err, "published ports", "modprobe nf_tables")}
	}
	return []Finding{{Name: "nftables", Status: OK, Found: "nf_tables answers"}}
}

func askNftables() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return fmt.Errorf("socket(NETLINK_NETFILTER): %w", err)
	}
	defer unix.Close(fd)
	message := make([]byte, unix.SizeofNlMsghdr+4) // struct nfgenmsg
	binary.NativeEndian.PutUint32(message, uint32(len(message)))
	binary.NativeEndian.PutUint16(message[4:], unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN)
	binary.NativeEndian.PutUint16(message[6:], unix.NLM_F_REQUEST)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("NFT_MSG_GETGEN: %w", err)
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return fmt.Errorf("NFT_MSG_GETGEN: %w", err)
	}
	if n < unix.SizeofNlMsghdr+4 {
		return errors.New("NFT_MSG_GETGEN: short answer")
	}
	if binary.NativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR {
		errno := unix.Errno(-int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])))
		return fmt.Errorf("NFT_MSG_GETGEN: %w", errno)
	}
	return nil
}

func checkForwarding(string) []Finding {
	const path = "/proc/sys/net/ipv4/ip_forward"
	text, err := os.ReadFile(path)
	value := strings.TrimSpace(string(text))
	if err == nil && value == "1" {
		return []Finding{{Name: "IPv4 forwarding", Status: OK, Found: "net.ipv4.ip_forward=1"}}
	}
	f := Finding{Name: "IPv4 forwarding", Status: Warning, Found: "net.ipv4.ip_forward=" + value,
		Without: "packets between a network of containers and other hosts", Hint: "sysctl -w net.ipv4.ip_forward=1"}
	if err != nil {
		f.Found = err.Error()
	}
	return []Finding{f}
}

func checkIPv6(string) []Finding {
	text, err := os.ReadFile("/proc/sys/net/ipv6/conf/all/disable_ipv6")
	switch {
	case err != nil:
		return []Finding{{Name: "IPv6", Status: Warning, Found: "not in this kernel", Without: "IPv6 addresses",
			Hint: "boot without ipv6.disable=1"}}
	case strings.TrimSpace(string(text)) != "0":
		return []Finding{{Name: "IPv6", Status: Warning, Found: "disabled", Without: "IPv6 addresses",
			Hint: "sysctl -w net.ipv6.conf.all.disable_ipv6=0"}}
	}
	return []Finding{{Name: "IPv6", Status: OK, Found: "enabled"}}
}
