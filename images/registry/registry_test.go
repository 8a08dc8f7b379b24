package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
)

// manifest and layer are all that the registries of these tests have.
const manifest = `{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}`

const mediaType = "application/vnd.oci.image.index.v1+json"

var layer = strings.Repeat("layers are long. ", 1<<12)

// A diary records the passwords that servers see: "<server> <Authorization>".
type diary struct {
	mu   sync.Mutex
	seen []string
}

func (d *diary) keep(server string, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if secret := r.Header.Get("Authorization"); secret != "" {
		d.seen = append(d.seen, server+" "+secret)
	}
}

func (d *diary) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.seen, "\n")
}

// server is a registry without passwords.
func (d *diary) server(name string) http.Handler {
	return with(func(w http.ResponseWriter, r *http.Request) bool { d.keep(name, r); return false })
}

// port returns the port of a host.
func port(host string) string { return host[strings.LastIndex(host, ":")+1:] }

// with is a registry without passwords, for the requests that first does not handle.
func with(first func(w http.ResponseWriter, r *http.Request) (done bool)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case first != nil && first(w, r):
		case r.URL.Path == "/v2/":
		case strings.Contains(r.URL.Path, "/manifests/"):
			w.Header().Set("Content-Type", mediaType)
			io.WriteString(w, manifest)
		case strings.Contains(r.URL.Path, "/blobs/"):
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(layer))
		default:
			http.NotFound(w, r)
		}
	})
}

// onManifests is with, for a handler of all manifests.
func onManifests(h func(w http.ResponseWriter, r *http.Request)) http.Handler {
	return with(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		h(w, r)
		return true
	})
}

func serve(t *testing.T, h http.Handler) (host string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// serveTLS starts a server with a trusted certificate.
func serveTLS(t *testing.T, h http.Handler) (host string) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	trust(t, s)
	return strings.TrimPrefix(s.URL, "https://")
}

// trust trusts the certificate of a server, as SSL_CERT_FILE does, which Go reads once
// in a process.
func trust(t *testing.T, s *httptest.Server) {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport)
	old := transport.TLSClientConfig
	transport.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	t.Cleanup(func() { transport.TLSClientConfig = old })
}

// knows writes docker's config file with a password for these hosts.
func knows(t *testing.T, hosts ...string) {
	t.Helper()
	auths := make(map[string]any)
	for _, h := range hosts {
		auths[h] = map[string]string{"auth": "bWU6c2VjcmV0"} // me:secret
	}
	data, err := json.Marshal(map[string]any{"auths": auths})
	testkit.Check(t, err)
	home := t.TempDir()
	for _, name := range []string{"HOME", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"} {
		t.Setenv(name, home)
	}
	t.Setenv("REGISTRY_AUTH_FILE", "")
	writeConfig(t, string(data))
}

// writeConfig writes docker's config file.
func writeConfig(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json")
	testkit.Check(t, os.WriteFile(path, []byte(text), 0o600))
}

const basic = "Basic bWU6c2VjcmV0"

func get(t *testing.T, s *Settings, host string) error {
	t.Helper()
	return s.From(t.Context(), host+"/some/image:tag", func(r *Repository) error {
		data, _, err := r.Manifest(t.Context(), "tag", []string{mediaType}, 4<<20)
		if err == nil && string(data) != manifest {
			t.Errorf("manifest %q", data)
		}
		return err
	})
}

// shake returns the repository after the handshake.
func shake(t *testing.T, host string) (r *Repository) {
	t.Helper()
	err := (&Settings{}).From(t.Context(), host+"/some/image:tag", func(opened *Repository) error {
		r = opened
		return nil
	})
	testkit.Check(t, err)
	return r
}

// wantHint fails unless the hint of err has this text.
func wantHint(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(hint.Of(err), text) {
		t.Errorf("error %v, hint %q; want %q in the hint", err, hint.Of(err), text)
	}
}

// wantBasic refuses requests without the password.
func wantBasic(d *diary, server string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		d.keep(server, r)
		if r.Header.Get("Authorization") == basic {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
}

// plainHost starts a server and returns a host on another machine, to a proxy of which
// this server is made: over plain HTTP it gets all requests for that host.
func plainHost(t *testing.T, h http.Handler) (host string) {
	t.Helper()
	proxy := &url.URL{Scheme: "http", Host: serve(t, h)}
	transport := http.DefaultTransport.(*http.Transport)
	old := transport.Proxy
	transport.Proxy = func(r *http.Request) (*url.URL, error) {
		if strings.HasSuffix(r.URL.Hostname(), ".test") {
			return proxy, nil
		}
		return nil, nil
	}
	t.Cleanup(func() { transport.Proxy = old })
	return "registry.test"
}

func TestNoPasswordOverHTTP(t *testing.T) {
	var d diary
	host := plainHost(t, with(wantBasic(&d, "registry")))
	knows(t, host)
	err := get(t, &Settings{}, host)
	if err == nil {
		t.Error("no error")
	}
	testkit.Equal(t, "sent over plain HTTP without --tls-verify=false", d.text(), "")
	for _, insecure := range []*Settings{{NoVerify: true}, {Insecure: []string{host}}} {
		if err := get(t, insecure, host); err != nil {
			t.Errorf("%+v: %v", insecure, err)
		}
	}
	if d.text() == "" {
		t.Error("the password is not sent to an insecure registry")
	}
}

// docker trusts this machine, too.
func TestPasswordOverHTTPOnLoopback(t *testing.T) {
	var d diary
	host := serve(t, with(wantBasic(&d, "registry")))
	for _, name := range []string{host, "localhost:" + port(host), "127.1.2.3:" + port(host)} {
		if strings.HasPrefix(name, "127.1.") {
			listener, err := net.Listen("tcp", "127.1.2.3:0")
			testkit.Check(t, err)
			s := &http.Server{Handler: with(wantBasic(&d, "registry"))}
			go s.Serve(listener)
			defer s.Close()
			name = listener.Addr().String()
		}
		knows(t, name)
		if err := get(t, &Settings{}, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nor is it sent to a token server of the registry over plain HTTP.
func TestNoPasswordToTokenServerOverHTTP(t *testing.T) {
	var d diary
	plainHost(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.keep("tokens", r)
		io.WriteString(w, `{"token": "t"}`)
	}))
	host := serve(t, with(wantToken(&d, "http://tokens.test")))
	knows(t, host)
	if err := get(t, &Settings{}, host); err == nil {
		t.Error("no error")
	}
	if strings.Contains(d.text(), "Basic") {
		t.Errorf("seen: %s", d.text())
	}
}

// wantToken refuses requests without the token.
func wantToken(d *diary, realm string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		d.keep("registry", r)
		if r.Header.Get("Authorization") == "Bearer for-some-image" {
			return false
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="test"`, realm))
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
}

func TestToken(t *testing.T) {
	var d diary
	tokens := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.keep("tokens", r)
		q := r.URL.Query()
		if r.Header.Get("Authorization") != basic || q.Get("scope") != "repository:some/image:pull" ||
			q.Get("service") != "test" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, `{"token": "for-some-image"}`)
	}))
	host := serve(t, with(wantToken(&d, "http://localhost:"+port(tokens))))
	knows(t, host)
	testkit.Check(t, get(t, &Settings{}, host))
	if strings.Contains(d.text(), "registry Basic") {
		t.Errorf("the registry saw the password, not only the token:\n%s", d.text())
	}
	knows(t) // no password
	wantHint(t, get(t, &Settings{}, host), "minictr login "+host)
}

func TestRedirectCarriesNoPassword(t *testing.T) {
	for _, test := range []struct {
		name string
		to   func(other string) string
	}{
		{"another port", func(other string) string { return "http://" + other }},
		{"another name", func(other string) string { return "http://localhost:" + port(other) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var d diary
			other := serve(t, d.server("other"))
			host := serve(t, with(func(w http.ResponseWriter, r *http.Request) bool {
				if wantBasic(&d, "registry")(w, r) {
					return true
				}
				if !strings.Contains(r.URL.Path, "/manifests/") {
					return false
				}
				http.Redirect(w, r, test.to(other)+r.URL.Path, http.StatusTemporaryRedirect)
				return true
			}))
			knows(t, host)
			testkit.Check(t, get(t, &Settings{NoVerify: true}, host))
			if strings.Contains(d.text(), "other") || !strings.Contains(d.text(), "registry "+basic) {
				t.Errorf("seen:\n%s", d.text())
			}
		})
	}
}

// net/http would send a password to another port of the same host.
func TestNoPasswordToAnotherPort(t *testing.T) {
	var d diary
	other := serve(t, d.server("other"))
	host := serve(t, http.RedirectHandler("http://"+other+"/v2/", http.StatusTemporaryRedirect))
	request, err := http.NewRequest(http.MethodGet, "http://"+host, nil)
	testkit.Check(t, err)
	request.Header.Set("Authorization", basic)
	client := http.Client{Transport: &guard{inner: http.DefaultTransport, dialer: &dialer{}, insecure: true}}
	answer, err := client.Do(request)
	testkit.Check(t, err)
	answer.Body.Close()
	testkit.Equal(t, "seen", d.text(), "")
}

// OAuth sends its token in a form, which net/http would send again after a redirect.
func TestRedirectCarriesNoToken(t *testing.T) {
	var forms []string
	see := func(server string, r *http.Request) {
		if r.ParseForm() == nil && r.PostForm.Get("refresh_token") != "" {
			forms = append(forms, server)
		}
	}
	other := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { see("other", r) }))
	tokens := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		see("tokens", r)
		http.Redirect(w, r, "http://localhost:"+port(other), http.StatusTemporaryRedirect)
	}))
	var d diary
	host := serve(t, with(wantToken(&d, "http://localhost:"+port(tokens))))
	knows(t)
	config := fmt.Sprintf(`{"auths": {%q: {"identitytoken": "refresh me"}}}`, host)
	writeConfig(t, config)
	for _, s := range []*Settings{{}, {NoVerify: true}} {
		if err := get(t, s, host); !errors.Is(err, errForm) {
			t.Errorf("%+v: error %v", s, err)
		}
	}
	if len(forms) != 2 || forms[0] != "tokens" || forms[1] != "tokens" {
		t.Errorf("seen by %q, want the token server alone", forms)
	}
}

// A redirect from HTTPS to plain HTTP is not followed.
func TestRedirectToHTTPRefused(t *testing.T) {
	followed := false
	other := serve(t, with(func(http.ResponseWriter, *http.Request) bool { followed = true; return false }))
	host := serveTLS(t, onManifests(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://plain.test:"+port(other)+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	knows(t)
	err := get(t, &Settings{}, host)
	if !errors.Is(err, errPlain) || followed {
		t.Errorf("error %v, followed %v", err, followed)
	}
}

// A password is sent to its own host and port alone.
func TestNoPasswordOfAnotherHost(t *testing.T) {
	var d diary
	host := serve(t, with(wantBasic(&d, "registry")))
	knows(t, "registry.example.org", "127.0.0.1", "127.0.0.1:1")
	if err := get(t, &Settings{NoVerify: true}, host); err == nil || d.text() != "" {
		t.Errorf("error %v, seen %q", err, d.text())
	}
}

func TestTLS(t *testing.T) {
	var d diary
	s := httptest.NewTLSServer(with(wantBasic(&d, "registry")))
	t.Cleanup(s.Close)
	host := strings.TrimPrefix(s.URL, "https://")
	knows(t, host)
	err := get(t, &Settings{}, host)
	if err == nil || !strings.Contains(hint.Of(err), "/etc/docker/certs.d/"+host+"/ca.crt") || d.text() != "" {
		t.Errorf("unknown authority: error %v, hint %q, seen %q", err, hint.Of(err), d.text())
	}
	if err := get(t, &Settings{NoVerify: true}, host); err != nil {
		t.Errorf("not verified: %v", err)
	}
	trust(t, s)
	if err := get(t, &Settings{}, host); err != nil {
		t.Errorf("verified: %v", err)
	}
}

func TestPatience(t *testing.T) {
	for _, test := range []struct {
		name, after string // "" for a date in the future
		busy        int    // responses before the good one
		atLeast     time.Duration
		refused     bool
	}{
		{"seconds", "1", 1, time.Second, false},
		{"a date", "", 1, 500 * time.Millisecond, false},
		{"no wait", "0", 3, 0, false},
		{"always busy", "0", 1000, 0, true},
		{"a day", "86400", 1, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var asked int
			host := serve(t, with(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/manifests/") {
					return false
				}
				if asked++; asked > test.busy {
					return false
				}
				after := test.after
				if after == "" {
					after = time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat)
				}
				w.Header().Set("Retry-After", after)
				w.WriteHeader(http.StatusTooManyRequests)
				return true
			}))
			start := time.Now()
			err := get(t, &Settings{}, host)
			if refused := err != nil; refused != test.refused {
				t.Errorf("error %v", err)
			}
			if err != nil && !strings.Contains(hint.Of(err), "minictr login") {
				t.Errorf("hint %q", hint.Of(err))
			}
			if took := time.Since(start); took < test.atLeast {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		status          int
		body            string
		message, advice string
	}{
		{404, `{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}`,
			"manifest unknown: not found", "check the name and the tag"},
		{404, `{"errors": [{"code": "NAME_UNKNOWN", "message": "repository name not known to registry"}]}`,
			"repository name not known to registry: not found", "has no image of this name"},
		{404, `<html>`, "404 Not Found", "if 127.0.0.1:"},
		{401, ``, "401 Unauthorized", "minictr login 127.0.0.1:"},
		{403, `{"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}`,
			"is denied", "minictr login 127.0.0.1:"},
		{500, `<html>`, "500 Internal Server Error", "try again later"},
		{502, ``, "502 Bad Gateway", "try again later"},
		{407, ``, "407 Proxy Authentication Required", "HTTPS_PROXY="},
	} {
		host := serve(t, onManifests(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(test.status)
			io.WriteString(w, test.body)
		}))
		err := get(t, &Settings{}, host)
		testkit.WantError(t, fmt.Sprint(test.status), err, test.message)
		if !strings.Contains(hint.Of(err), test.advice) {
			t.Errorf("%d: hint %q", test.status, hint.Of(err))
		}
	}
}

func TestConnectionRefused(t *testing.T) {
	s := httptest.NewServer(nil)
	host := strings.TrimPrefix(s.URL, "http://")
	s.Close()
	wantHint(t, get(t, &Settings{}, host), "minictr load -i FILE")
}

func TestManifestMediaTypeChecked(t *testing.T) {
	for wrong, advice := range map[string]string{
		"": "", "application/json": "", "text/html": "web page", "text/html; charset=utf-8": "/v2/ in a browser",
		"application/vnd.docker.distribution.manifest.v1+json":      "skopeo copy",
		"application/vnd.docker.distribution.manifest.v1+prettyjws": "schema 1",
	} {
		host := serve(t, onManifests(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = []string{wrong}
			io.WriteString(w, manifest)
		}))
		err := get(t, &Settings{}, host)
		testkit.WantError(t, wrong, err, "unknown media type")
		if !strings.Contains(hint.Of(err), advice) {
			t.Errorf("%s: hint %q", wrong, hint.Of(err))
		}
	}
}

func TestManifestSizeLimited(t *testing.T) {
	host := serve(t, onManifests(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		for r.Context().Err() == nil {
			w.Write(make([]byte, 1<<16))
		}
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r := shake(t, host)
	_, _, err := r.Manifest(ctx, "tag", []string{mediaType}, 4<<20)
	testkit.WantError(t, "manifest", err, "larger than")
}

// cutting closes the connection after n bytes of each response with a blob.
func cutting(n int, ranges bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		if !ranges {
			r.Header.Del("Range")
		}
		http.ServeContent(&cutter{w, n}, r, "", time.Time{}, strings.NewReader(layer))
		return true
	}
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		c.ResponseWriter.Write(p[:c.left])
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func TestBlobGoesOnAfterCut(t *testing.T) {
	t.Parallel()
	for _, offset := range []int64{0, 1, 5000, int64(len(layer)) - 1, int64(len(layer))} {
		host := serve(t, with(cutting(10000, true)))
		r := shake(t, host)
		body := r.Blob(t.Context(), digest.FromString(layer), int64(len(layer)), offset)
		data, err := io.ReadAll(body)
		if err != nil || string(data) != layer[offset:] {
			t.Errorf("from %d: %d bytes of %d, error %v", offset, len(data), int64(len(layer))-offset, err)
		}
		body.Close()
	}
}

// A registry without ranges sends the whole blob again. If the connection is always
// closed before a new byte, that is an error.
func TestBlobWithoutRanges(t *testing.T) {
	t.Parallel()
	host := serve(t, with(cutting(len(layer), false)))
	r := shake(t, host)
	body := r.Blob(t.Context(), digest.FromString(layer), int64(len(layer)), 5000)
	defer body.Close()
	if data, err := io.ReadAll(body); err != nil || string(data) != layer[5000:] {
		t.Errorf("%d bytes, error %v", len(data), err)
	}
	host = serve(t, with(cutting(10000, false)))
	r = shake(t, host)
	short := r.Blob(t.Context(), digest.FromString(layer), int64(len(layer)), 0)
	defer short.Close()
	if data, err := io.ReadAll(short); err == nil {
		t.Errorf("%d bytes, no error", len(data))
	}
}

func TestBlobSizeLimited(t *testing.T) {
	host := serve(t, with(nil))
	r := shake(t, host)
	body := r.Blob(t.Context(), digest.FromString(layer), 1000, 0)
	defer body.Close()
	data, err := io.ReadAll(body)
	if len(data) != 1000 || err == nil || !strings.Contains(err.Error(), "longer than the blob of 1000 bytes") {
		t.Errorf("%d bytes, error %v", len(data), err)
	}
}

func TestMirrors(t *testing.T) {
	var d diary
	empty := serve(t, with(func(w http.ResponseWriter, r *http.Request) bool {
		d.keep("empty mirror", r)
		if r.URL.Path != "/v2/" {
			http.NotFound(w, r)
		}
		return r.URL.Path != "/v2/"
	}))
	mirror := serve(t, d.server("mirror"))
	knows(t, "https://index.docker.io/v1/")
	s := &Settings{Mirrors: []string{"http://127.0.0.1:1", "http://" + empty, "http://" + mirror}}
	testkit.Check(t, get(t, s, "docker.io"))
	if d.text() != "" { // row 24
		t.Errorf("the mirror saw Docker Hub's password: %s", d.text())
	}
	if err := get(t, s, "127.0.0.1:1"); err == nil {
		t.Error("a mirror of Docker Hub is used for another registry")
	}
}

func TestSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registries.json")
	t.Setenv(SettingsVariable, path)
	if s, err := Load(); err != nil || len(s.Insecure) > 0 {
		t.Errorf("not there: %v, %v", s, err)
	}
	for text, good := range map[string]bool{
		`{"insecure-registries": ["a.test:5000"], "registry-mirrors": ["https://m.test"]}`: true,
		`{"insecure": ["a.test:5000"]}`:              false,
		`{"registry-mirrors": ["https://m.test/x"]}`: false,
		`{`: false, `{} x`: false,
	} {
		testkit.Check(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := Load(); (err == nil) != good {
			t.Errorf("%s: error %v", text, err)
		}
	}
}

func TestLogin(t *testing.T) {
	var d diary
	host := serve(t, with(wantBasic(&d, "registry")))
	knows(t)
	s := &Settings{NoVerify: true}
	if err := s.Login(t.Context(), host, "me", "wrong"); err == nil {
		t.Error("a wrong password is stored")
	}
	if err := Logout(host); !errors.Is(err, ErrNotLoggedIn) {
		t.Errorf("logout before login: %v", err)
	}
	testkit.Check(t, s.Login(t.Context(), host, "me", "secret"))
	if err := get(t, s, host); err != nil {
		t.Errorf("after login: %v", err)
	}
	text := testkit.ReadFile(t, filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"))
	if !strings.Contains(text, "bWU6c2VjcmV0") {
		t.Errorf("docker's file: %s", text)
	}
	testkit.Check(t, Logout(host))
	if err := get(t, s, host); err == nil {
		t.Error("the password is still stored after logout")
	}
}

// docker's file has a host as key, also if a URL was typed, which docker once stored.
func TestLoginByURL(t *testing.T) {
	var d diary
	host := serve(t, with(wantBasic(&d, "registry")))
	knows(t)
	for _, address := range []string{"http://" + host + "/v2/", host + "/v1/", "https://" + host} {
		testkit.Check(t, (&Settings{}).Login(t.Context(), address, "me", "secret"))
		text := testkit.ReadFile(t, filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"))
		if !strings.Contains(text, `"`+host+`": {`) {
			t.Errorf("%s: docker's file: %s", address, text)
		}
		testkit.Check(t, Logout(address))
		if err := Logout(host); !errors.Is(err, ErrNotLoggedIn) {
			t.Errorf("%s: after logout: %v", address, err)
		}
	}
	knows(t, "https://"+host)
	testkit.Check(t, get(t, &Settings{}, host))
	testkit.Check(t, Logout(host))
	if err := get(t, &Settings{}, host); err == nil {
		t.Error("the password under the URL is still stored")
	}
}

func TestMissingCredentialHelper(t *testing.T) {
	var d diary
	host := serve(t, with(wantBasic(&d, "registry")))
	for text, field := range map[string]string{
		`{"credsStore": "nosuch"}`:                           "credsStore",
		fmt.Sprintf(`{"credHelpers": {%q: "nosuch"}}`, host): "credHelpers",
	} {
		knows(t)
		writeConfig(t, text)
		for what, err := range map[string]error{
			"pull":   get(t, &Settings{}, host),
			"login":  (&Settings{}).Login(t.Context(), host, "me", "secret"),
			"logout": Logout(host),
		} {
			testkit.WantError(t, what, err, "credential helper docker-credential-nosuch: ")
			wantHint(t, err, filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json")+` asks for it in "`+field+`": `)
		}
	}
}

// Passwords can come from a credential helper that docker's file names.
func TestCredentialHelper(t *testing.T) {
	var d diary
	host := serve(t, with(wantBasic(&d, "registry")))
	knows(t)
	bin := t.TempDir()
	helper := "#!/bin/sh\necho '{\"ServerURL\": \"x\", \"Username\": \"me\", \"Secret\": \"secret\"}'\n"
	testkit.Check(t, os.WriteFile(filepath.Join(bin, "docker-credential-test"), []byte(helper), 0o755))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	config := fmt.Sprintf(`{"credHelpers": {%q: "test"}}`, host)
	writeConfig(t, config)
	testkit.Check(t, get(t, &Settings{NoVerify: true}, host))
}

func TestLocal(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.3.2.1": true, "::1": true, "::ffff:127.0.0.1": true,
		"localhost.example.org": false, "10.0.0.1": false, "127.0.0.1.example.org": false, "127.1": false, "": false,
	} {
		if isLoopback(host) != want {
			t.Errorf("%s: %v", host, !want)
		}
	}
}

// A LAN's registry often speaks plain HTTP.
func TestPlainRegistryHint(t *testing.T) {
	knows(t)
	plain := serve(t, with(nil))
	proxy := &url.URL{Scheme: "http", Host: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connect(t, w, plain) // of registry.test:443, which speaks HTTP
	}))}
	transport := http.DefaultTransport.(*http.Transport)
	old := transport.Proxy
	transport.Proxy = http.ProxyURL(proxy)
	t.Cleanup(func() { transport.Proxy = old })
	wantHint(t, get(t, &Settings{}, "registry.test:443"), `"insecure-registries" of /etc/minictr/registries.json`)
}

// connect is the answer of a proxy to CONNECT.
func connect(t *testing.T, w http.ResponseWriter, host string) {
	up, err := net.Dial("tcp", host)
	if err != nil {
		t.Error(err)
		return
	}
	down, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
	go io.Copy(up, down)
	io.Copy(down, up)
	down.Close()
	up.Close()
}
