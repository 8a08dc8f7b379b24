package registry

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzLink: whatever the header is, the next page is in the same registry.
func FuzzLink(f *testing.F) {
	for _, seed := range []string{
		`</v2/x/tags/list?last=a&n=2>; rel="next"`, `<https://other/>; rel="next"`,
		`<//other>;rel=next`, `<>;rel="next"`,
		`<http://me@registry.test/>; rel="next"`, "<\\\\other>; rel=next",
		`<registry.test@other>; rel="next"`, "<", ">",
	} {
		f.Add(seed)
	}
	page := &url.URL{Scheme: "https", Host: "registry.test", Path: "/v2/x/tags/list"}
	f.Fuzz(func(t *testing.T, link string) {
		next, err := nextPage(page, link)
		if err != nil || next == nil {
			return
		}
		sent, err := http.NewRequest(http.MethodGet, next.String(), nil)
		if err == nil && (sent.URL.Host != page.Host || sent.URL.Scheme != page.Scheme || sent.URL.User != nil) {
			t.Errorf("%q leads to %s", link, sent.URL)
		}
	})
}

// FuzzRealm: a realm on the internet's registry never leads to an address nearer than it.
func FuzzRealm(f *testing.F) {
	for _, seed := range []string{
		"https://auth.example.org/token", "https://10.0.0.1/", "https://[::1]/", "https://127.1/", "https://0x7f.1/",
		"https://[::ffff:10.0.0.1]:1/", "https://[fe80::1%25lo]/", "https://localhost./", "https://a@10.1/",
		"https://１２７.1/", "https://[::%250]/",
	} {
		f.Add(seed)
	}
	g := &guard{dialer: &dialer{}}
	f.Fuzz(func(t *testing.T, realm string) {
		u, err := url.Parse(realm)
		if err != nil || g.checkRealm("registry.example.org", u) != nil {
			return
		}
		// the host as net/http connects to it
		sent, err := http.NewRequest(http.MethodGet, u.String(), nil)
		if err != nil {
			return
		}
		host, _, _ := strings.Cut(sent.URL.Hostname(), "%")
		ip := net.ParseIP(strings.TrimSuffix(host, "."))
		if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") ||
			ip != nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()) {
			t.Errorf("%q is allowed", realm)
		}
	})
}

// FuzzRetryAfter: no value makes a wait negative.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"1", "-1", "99999999999999999999", "Wed, 21 Oct 2015 07:28:00 GMT", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, after string) {
		for try := 1; try <= maxTries; try++ {
			if wait := retryAfter(after, try); wait < 0 {
				t.Errorf("%q, try %d: %v", after, try, wait)
			}
		}
	})
}

// FuzzSettings: a file that is read makes addresses only of hosts.
func FuzzSettings(f *testing.F) {
	f.Add(`{"registry-mirrors": ["https://m.test"], "insecure-registries": ["a.test:5000"]}`, "docker.io/library/x:y")
	f.Add(`{"registry-mirrors": ["http://m.test/"]}`, "ubuntu")
	f.Fuzz(func(t *testing.T, text, image string) {
		s, err := parse([]byte(text))
		if err != nil {
			return
		}
		places, _ := s.places(image)
		for _, place := range places {
			if strings.ContainsAny(place.RegistryStr(), "/@ ") {
				t.Errorf("%q: %q", text, place.RegistryStr())
			}
		}
	})
}
