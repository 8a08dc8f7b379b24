package config

// How a container finds addresses: --add-host adds lines to its /etc/hosts (hosts(5)), and
// --dns, --dns-search and --dns-option set its /etc/resolv.conf (resolv.conf(5)).

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"github.com/minictr/minictr/hint"
)

// addedHosts returns the lines of --add-host.
func (o *Options) addedHosts() (lines []byte, err error) {
	for _, word := range o.AddHosts {
		host, address, err := parseHost(word)
		if err != nil {
			return nil, fmt.Errorf("--add-host %q: %w", word, err)
		}
		lines = append(lines, address.String()+"\t"+host+"\n"...)
	}
	return lines, nil
}

// parseHost parses HOST:IP or HOST=IP; the address may be in brackets.
func parseHost(word string) (host string, address netip.Addr, err error) {
	at := strings.IndexAny(word, ":=")
	if at < 1 || strings.ContainsFunc(word[:at], isNoWord) {
		return "", address, hint.New(errors.New("not HOST:IP"), "write as in --add-host db:10.0.0.5")
	}
	host, text := word[:at], word[at+1:]
	if text == "host-gateway" {
		return "", address, hint.New(errors.New("there is no network with a gateway"),
			"share the host's network, where localhost is the host: --network host")
	}
	if inner, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(inner, "]") {
		text = strings.TrimSuffix(inner, "]")
	}
	address, err = parseAddress(text)
	return host, address, err
}

func parseAddress(text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return address, hint.New(fmt.Errorf("%q: not an IP address", text), "write as in 10.0.0.5 or fd00::5")
	}
	return address, nil
}

// resolvConf returns a resolv.conf: what a flag sets replaces the lines of that kind in
// another one.
func (o *Options) resolvConf(from []byte) ([]byte, error) {
	if len(o.DNS)+len(o.DNSSearch)+len(o.DNSOptions) == 0 {
		return from, nil
	}
	for _, word := range o.DNS {
		if _, err := parseAddress(word); err != nil {
			return nil, fmt.Errorf("--dns: %w", err)
		}
	}
	for flag, words := range map[string][]string{"--dns-search": o.DNSSearch, "--dns-option": o.DNSOptions} {
		for _, word := range words {
			if word == "" || strings.ContainsFunc(word, isNoWord) {
				return nil, fmt.Errorf("%s %q: empty, or contains a space", flag, word)
			}
		}
	}
	search := o.DNSSearch
	if len(search) == 1 && search[0] == "." { // none, as in docker
		search = nil
	}
	// the lines of from that no flag replaces, then those of the flags
	var lines []string
	for line := range strings.Lines(string(from)) {
		kind, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case kind == "nameserver" && len(o.DNS) > 0:
		case (kind == "search" || kind == "domain") && len(o.DNSSearch) > 0:
		case kind == "options" && len(o.DNSOptions) > 0:
		default:
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	if len(search) > 0 {
		lines = append(lines, "search "+strings.Join(search, " "))
	}
	for _, server := range o.DNS {
		lines = append(lines, "nameserver "+server)
	}
	if len(o.DNSOptions) > 0 {
		lines = append(lines, "options "+strings.Join(o.DNSOptions, " "))
	}
	return []byte(strings.Join(lines, "\n") + "\n"), nil
}

// isNoWord reports whether a character would end a word of hosts(5) or resolv.conf(5).
func isNoWord(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '#' || r == ';' }
