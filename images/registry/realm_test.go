package registry

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// tokenServer starts a token server with a trusted certificate. Its tokens are those
// that wantToken wants.
func tokenServer(t *testing.T, asked *int) (address string) {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked++
		io.WriteString(w, `{"token": "for-some-image"}`)
	}))
	t.Cleanup(s.Close)
	trust(t, s)
	return s.URL
}

// A registry in a private network may name a token server at another private address,
// as docker and podman allow it.
func TestPrivateTokenServerOfPrivateRegistry(t *testing.T) {
	var d diary
	asked := 0
	realm := tokenServer(t, &asked)
	knows(t)
	host := serveTLS(t, with(wantToken(&d, realm)))
	for _, name := range []string{host, "localhost:" + port(host)} {
		s := &Settings{NoVerify: name != host} // the certificate has no localhost
		if err := get(t, s, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	testkit.Equal(t, "token requests", asked, 2)
}

// One on the internet may not: its answer would be sent there (SSRF).
func TestPrivateTokenServerOfPublicRegistryRefused(t *testing.T) {
	var d diary
	asked := 0
	realm := tokenServer(t, &asked)
	knows(t)
	host := plainHost(t, with(wantToken(&d, realm)))
	err := get(t, &Settings{NoVerify: true}, host)
	testkit.WantError(t, host, err, "names a token server in a private network: 127.0.0.1:")
	wantHint(t, err, "give the token server a host name")
	testkit.Equal(t, "token requests", asked, 0)
}

// Nor may a token server redirect there.
func TestTokenServerRedirectRefused(t *testing.T) {
	var d diary
	asked := 0
	inner := tokenServer(t, &asked)
	tokens := serve(t, http.RedirectHandler(inner, http.StatusTemporaryRedirect))
	knows(t)
	host := serve(t, with(wantToken(&d, "http://localhost:"+port(tokens))))
	testkit.WantError(t, "redirect", get(t, &Settings{}, host), "refusing token-server redirect")
	testkit.Equal(t, "requests that followed", asked, 0)
}

// Nor may the registry redirect there.
func TestRedirectToPrivateNetworkRefused(t *testing.T) {
	other := serve(t, with(func(http.ResponseWriter, *http.Request) bool {
		t.Error("the redirect is followed")
		return false
	}))
	host := plainHost(t, onManifests(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+other+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	knows(t)
	err := get(t, &Settings{NoVerify: true}, host)
	testkit.WantError(t, host, err, "redirect to a private network refused: 127.0.0.1:")
}

func TestRealmIsNoNearerThanRegistry(t *testing.T) {
	for _, test := range []struct {
		registry, realm string
		allowed         bool
	}{
		{"registry.example.org", "auth.example.org", true},
		{"registry.example.org", "8.8.8.8", true},
		{"registry.example.org", "10.0.0.1", false},
		{"registry.example.org", "[fd00:ec2::254]", false},
		{"registry.example.org", "169.254.169.254", false},
		{"registry.example.org", "[::ffff:169.254.169.254]", false},
		{"registry.example.org", "2852039166", false}, // 169.254.169.254
		{"registry.example.org", "0xa9.0xfe.169.254", false},
		{"registry.example.org", "localhost", false},
		{"registry.example.org", "LOCALHOST.", false},
		{"registry.example.org", "１２７.０.０.１", false},
		{"registry.example.org", "x.localhost", false},
		{"registry.example.org", "[fe80::1%25eth0]", false},
		{"8.8.8.8:5000", "10.0.0.1", false},
		{"10.0.0.1", "192.168.1.1:8443", true},
		{"10.0.0.1", "auth.example.org", true},
		{"10.0.0.1", "169.254.169.254", false},
		{"10.0.0.1", "127.0.0.1", false},
		{"10.0.0.1:5000", "10.0.0.1:5000", true},
		{"registry.lan:5000", "10.0.0.1", true},     // a name of 10.0.0.9
		{"registry.lan:5001", "10.0.0.1", false},    // not connected to
		{"rebound.example.org", "127.0.0.1", false}, // a name of several addresses
		{"169.254.1.1", "169.254.169.254", true},    // the user chose the link
		{"[::1]:5000", "127.0.0.1:5001", true},
		{"127.0.0.1:5000", "10.0.0.1", true},
	} {
		g := &guard{dialer: &dialer{distances: map[string]int{
			"registry.lan:5000": onNetwork, "rebound.example.org:443": onInternet,
		}}}
		realm, err := url.Parse("https://" + test.realm + "/token")
		testkit.Check(t, err)
		if err := g.checkRealm(test.registry, realm); (err == nil) != test.allowed {
			t.Errorf("%s names %s: error %v", test.registry, test.realm, err)
		}
	}
}

// The address that counts is that of the connection.
func TestDistanceIsOfConnection(t *testing.T) {
	d := &dialer{distances: make(map[string]int)}
	c, err := d.DialContext(t.Context(), "tcp", serve(t, with(nil)))
	testkit.Check(t, err)
	c.Close()
	for address, at := range d.distances {
		testkit.Equal(t, address, at, onMachine)
	}
	testkit.Equal(t, "addresses", len(d.distances), 1)
}

// A token lasts minutes, a pull may last hours.
func TestTokenRenewed(t *testing.T) {
	asked, valid := 0, ""
	tokens := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		valid = strings.Repeat("x", asked)
		io.WriteString(w, `{"access_token": "`+valid+`", "expires_in": 1}`)
	}))
	host := serve(t, with(func(w http.ResponseWriter, r *http.Request) bool {
		if valid != "" && r.Header.Get("Authorization") == "Bearer "+valid {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+tokens+`/token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}))
	knows(t)
	r := shake(t, host)
	for range 2 {
		_, _, err := r.Manifest(t.Context(), "tag", []string{mediaType}, 4<<20)
		testkit.Check(t, err)
		valid = "of another"
	}
	testkit.Equal(t, "token requests", asked, 2)
}
