package registry

// Which token server may a registry name? minictr sends it a request from where it
// runs, often as root and inside of a company's network, and returns part of the
// answer to the registry: the token. A registry on the internet could so read
// http://169.254.169.254, which tells a virtual machine its secrets (server-side
// request forgery). The rule: a token server, or the target of a redirect, may not be
// nearer to this machine than the registry is. The user chose to talk to the registry
// where it is.
//
//	0  this machine   127.0.0.0/8, ::1, localhost
//	1  this link      169.254.0.0/16, fe80::/10
//	2  this network   10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7
//	3  the internet   all others
//
// The host of a realm counts as it is written: names are as far as the internet, as
// docker and the library see it. A registry counts as near as its connection is; one
// behind a proxy is as far as its name.

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"unicode"

	"github.com/minictr/minictr/hint"
)

const (
	onMachine = iota
	onLink
	onNetwork
	onInternet
)

// A dialer remembers how near the hosts are that it connected to. A name with
// several addresses is as far as the farthest.
type dialer struct {
	net.Dialer
	mu        sync.Mutex
	distances map[string]int // of host:port
}

func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if peer, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.distances[address] = max(d.distances[address], distanceOf(peer.AddrPort().Addr()))
	}
	return c, nil
}

// checkRealm returns an error if a registry may not name this token server.
func (g *guard) checkRealm(registry string, realm *url.URL) error {
	at := distance(realm.Hostname())
	if realm.Host == registry || at >= g.distance(registry) {
		return nil
	}
	err := fmt.Errorf("the registry names a token server in a private network: %s", realm.Host)
	return hint.New(err, "a registry at a public address may not. If it is yours: pull from its private address, "+
		"or give the token server a host name")
}

// distance returns how near a registry is, host[:port].
func (g *guard) distance(registry string) int {
	u := url.URL{Host: registry}
	g.dialer.mu.Lock()
	defer g.dialer.mu.Unlock()
	for _, port := range []string{u.Port(), "443", "80"} {
		if at, ok := g.dialer.distances[net.JoinHostPort(u.Hostname(), port)]; ok {
			return at
		}
	}
	return distance(u.Hostname())
}

// distance returns how near a host is, as it is written. No token server has an address
// in an unusual form, as 127.1 or with full-width digits, which net/http makes ASCII:
// it counts as this machine.
func distance(host string) int {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if isLoopback(host) || strings.HasSuffix(host, ".localhost") {
		return onMachine
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return distanceOf(a)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" || last[0] >= '0' && last[0] <= '9' || strings.ContainsFunc(host, isNotASCII) {
		return onMachine
	}
	return onInternet
}

func isNotASCII(r rune) bool { return r > unicode.MaxASCII }

func distanceOf(a netip.Addr) int {
	switch a = a.Unmap().WithZone(""); { // "::%1" is unspecified, too
	case a.IsLoopback() || a.IsUnspecified():
		return onMachine
	case a.IsLinkLocalUnicast() || a.IsMulticast():
		return onLink
	case a.IsPrivate():
		return onNetwork
	}
	return onInternet
}
