package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	"github.com/opencontainers/go-digest"
)

// manifest is all that the registries of these tests have, besides a blob.
const manifest = `{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}`

const mediaType = "application/vnd.oci.image.index.v1+json"

var layer = strings.Repeat("layers are long. ", 1<<12)

// A diary notes the passwords that a server sees: "<server> <Authorization>".
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

// with answers like a registry that anybody may read, after what comes first.
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

func serve(t *testing.T, h http.Handler) (host string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// serveTLS starts a server whose certificate we trust.
func serveTLS(t *testing.T, h http.Handler) (host string) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	trust(t, s)
	return strings.TrimPrefix(s.URL, "https://")
}

// trust has the wire trust a server's certificate, as SSL_CERT_FILE does, which
// Go reads but once in a process.
func trust(t *testing.T, s *httptest.Server) {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport)
	old := transport.TLSClientConfig
	transport.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	t.Cleanup(func() { transport.TLSClientConfig = old })
}

// knows has docker's config file know a password for these hosts.
func knows(t *testing.T, hosts ...string) {
	t.Helper()
	auths := make(map[string]any)
	for _, h := range hosts {
		auths[h] = map[string]string{"auth": "bWU6c2VjcmV0"} // me:secret
	}
	data, err := json.Marshal(map[string]any{"auths": auths})
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("DOCKER_CONFIG", home)
	t.Setenv("XDG_RUNTIME_DIR", home)
	t.Setenv("REGISTRY_AUTH_FILE", "")
	if err := os.WriteFile(filepath.Join(home, "config.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
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

// shake is all that comes before a question.
func shake(t *testing.T, host string) (r *Repository) {
	t.Helper()
	err := (&Settings{}).From(t.Context(), host+"/some/image:tag", func(answers *Repository) error {
		r = answers
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantBasic refuses who has no password.
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

func TestNoPasswordOverHTTP(t *testing.T) {
	var d diary
	host := serve(t, with(wantBasic(&d, "registry")))
	knows(t, host)
	err := get(t, &Settings{}, host)
	if err == nil || !strings.Contains(hint.Of(err), "--tls-verify=false") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
	if d.text() != "" {
		t.Errorf("sent over plain http, though nobody said so:\n%s", d.text())
	}
	for _, told := range []*Settings{{NoVerify: true}, {Insecure: []string{host}}} {
		if err := get(t, told, host); err != nil {
			t.Errorf("told so, it is an error: %v", err)
		}
	}
	if d.text() == "" {
		t.Error("the password is not sent even when told so")
	}
}

// A token server that the registry names over plain http is one more way.
func TestNoPasswordToTokenServerOverHTTP(t *testing.T) {
	var d diary
	tokens := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.keep("tokens", r)
		io.WriteString(w, `{"token": "t"}`)
	}))
	host := serve(t, with(wantToken(&d, "http://localhost:"+tokens[strings.LastIndex(tokens, ":")+1:])))
	knows(t, host)
	if err := get(t, &Settings{}, host); err == nil {
		t.Error("no error")
	}
	if strings.Contains(d.text(), "Basic") {
		t.Errorf("seen: %s", d.text())
	}
}

// wantToken refuses who has no token.
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
		if r.Header.Get("Authorization") != basic || r.URL.Query().Get("scope") != "repository:some/image:pull" || r.URL.Query().Get("service") != "test" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, `{"token": "for-some-image"}`)
	}))
	host := serve(t, with(wantToken(&d, "http://localhost:"+tokens[strings.LastIndex(tokens, ":")+1:])))
	knows(t, host)
	if err := get(t, &Settings{NoVerify: true}, host); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(d.text(), "registry Basic") {
		t.Errorf("the registry saw the password, not just the token:\n%s", d.text())
	}
	knows(t) // nothing
	err := get(t, &Settings{NoVerify: true}, host)
	if err == nil || !strings.Contains(hint.Of(err), "minictr login "+host) {
		t.Errorf("without a password: %v, hint %q", err, hint.Of(err))
	}
}

func TestRedirectCarriesNoPassword(t *testing.T) {
	for _, test := range []struct {
		name string
		to   func(other string) string
	}{
		{"another port", func(other string) string { return "http://" + other }},
		{"another name", func(other string) string { return "http://" + strings.Replace(other, "127.0.0.1", "localhost", 1) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var d diary
			other := serve(t, with(func(w http.ResponseWriter, r *http.Request) bool { d.keep("other", r); return false }))
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
			if err := get(t, &Settings{NoVerify: true}, host); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(d.text(), "other") || !strings.Contains(d.text(), "registry "+basic) {
				t.Errorf("seen:\n%s", d.text())
			}
		})
	}
}

// The standard library keeps a password for another port of the same host.
func TestNoPasswordToAnotherPort(t *testing.T) {
	var d diary
	other := serve(t, with(func(w http.ResponseWriter, r *http.Request) bool { d.keep("other", r); return false }))
	host := serve(t, http.RedirectHandler("http://"+other+"/v2/", http.StatusTemporaryRedirect))
	request, err := http.NewRequest(http.MethodGet, "http://"+host, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", basic)
	client := http.Client{Transport: &guard{inner: http.DefaultTransport, insecure: true}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if d.text() != "" {
		t.Errorf("seen: %s", d.text())
	}
}

// OAuth sends its token in a form, which a redirect would take along.
func TestRedirectCarriesNoToken(t *testing.T) {
	var forms []string
	see := func(server string, r *http.Request) {
		if r.ParseForm() == nil && r.PostForm.Get("refresh_token") != "" {
			forms = append(forms, server)
		}
	}
	other := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { see("other", r) }))
	_, otherPort, _ := strings.Cut(other, ":")
	tokens := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		see("tokens", r)
		http.Redirect(w, r, "http://localhost:"+otherPort, http.StatusTemporaryRedirect)
	}))
	_, port, _ := strings.Cut(tokens, ":")
	var d diary
	host := serve(t, with(wantToken(&d, "http://localhost:"+port)))
	knows(t)
	config := fmt.Sprintf(`{"auths": {%q: {"identitytoken": "refresh me"}}}`, host)
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Settings{{}, {NoVerify: true}} {
		if err := get(t, s, host); !errors.Is(err, errForm) {
			t.Errorf("%+v: error %v", s, err)
		}
	}
	if len(forms) != 1 || forms[0] != "tokens" {
		t.Errorf("seen by %q, want the token server alone, once told so", forms)
	}
}

// A redirect from https to plain http is not followed.
func TestRedirectToHTTPRefused(t *testing.T) {
	followed := false
	other := serve(t, with(func(http.ResponseWriter, *http.Request) bool { followed = true; return false }))
	_, port, _ := strings.Cut(other, ":")
	host := serveTLS(t, with(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/manifests/") {
			http.Redirect(w, r, "http://plain.test:"+port+r.URL.Path, http.StatusTemporaryRedirect)
			return true
		}
		return false
	}))
	knows(t)
	err := get(t, &Settings{}, host)
	if !errors.Is(err, errPlain) || followed {
		t.Errorf("error %v, followed %v", err, followed)
	}
}

// Only what was given for a host is sent to it.
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
	if err == nil || !strings.Contains(hint.Of(err), "SSL_CERT_FILE") || d.text() != "" {
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
		name, after string // "" for the date of a moment that is to come
		busy        int    // answers before it has time
		atLeast     time.Duration
		refused     bool
	}{
		{"seconds", "1", 1, time.Second, false},
		{"a date", "", 1, 500 * time.Millisecond, false},
		{"at once", "0", 3, 0, false},
		{"for ever", "0", 1000, 0, true},
		{"tomorrow", "86400", 1, 0, true},
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
		{404, `{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}`, "manifest unknown: not found", "check the name and the tag"},
		{401, ``, "401 Unauthorized", "minictr login 127.0.0.1:"},
		{403, `{"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}`, "is denied", "minictr login 127.0.0.1:"},
		{500, `<html>`, "500 Internal Server Error", ""},
	} {
		host := serve(t, with(func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/manifests/") {
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
				return true
			}
			return false
		}))
		err := get(t, &Settings{}, host)
		if err == nil || !strings.Contains(err.Error(), test.message) || !strings.Contains(hint.Of(err), test.advice) {
			t.Errorf("%d: error %v, hint %q", test.status, err, hint.Of(err))
		}
	}
}

func TestNobodyThere(t *testing.T) {
	s := httptest.NewServer(nil)
	host := strings.TrimPrefix(s.URL, "http://")
	s.Close()
	err := get(t, &Settings{}, host)
	if err == nil || !strings.Contains(hint.Of(err), "minictr load -i FILE") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

func TestManifestMediaTypeChecked(t *testing.T) {
	for _, wrong := range []string{"", "text/html", "application/json", "application/vnd.docker.distribution.manifest.v1+json"} {
		host := serve(t, with(func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, "/manifests/") {
				w.Header()["Content-Type"] = []string{wrong}
				io.WriteString(w, manifest)
				return true
			}
			return false
		}))
		if err := get(t, &Settings{}, host); err == nil || !strings.Contains(err.Error(), "unknown media type") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestManifestSizeLimited(t *testing.T) {
	host := serve(t, with(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		w.Header().Set("Content-Type", mediaType)
		for r.Context().Err() == nil {
			w.Write(make([]byte, 1<<16))
		}
		return true
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r := shake(t, host)
	_, _, err := r.Manifest(ctx, "tag", []string{mediaType}, 4<<20)
	if err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("error %v", err)
	}
}

// cutting cuts each answer about a blob after n bytes.
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

// A registry that knows no ranges sends all of it again. If it is cut before
// anything new came, again and again, that ends.
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
	mirror := serve(t, with(func(w http.ResponseWriter, r *http.Request) bool { d.keep("mirror", r); return false }))
	knows(t, "https://index.docker.io/v1/")
	s := &Settings{Mirrors: []string{"http://127.0.0.1:1", "http://" + empty, "http://" + mirror}}
	if err := get(t, s, "docker.io"); err != nil {
		t.Error(err)
	}
	if d.text() != "" { // row 24
		t.Errorf("the mirror saw Docker Hub's password: %s", d.text())
	}
	if err := get(t, s, "127.0.0.1:1"); err == nil {
		t.Error("a mirror of Docker Hub is asked for another registry")
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
		`{`: false,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
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
		t.Error("a wrong password is kept")
	}
	if err := Logout(host); !errors.Is(err, ErrNotLoggedIn) {
		t.Errorf("logout before login: %v", err)
	}
	if err := s.Login(t.Context(), host, "me", "secret"); err != nil {
		t.Fatal(err)
	}
	if err := get(t, s, host); err != nil {
		t.Errorf("after login: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"))
	if err != nil || !strings.Contains(string(text), "bWU6c2VjcmV0") {
		t.Errorf("docker's file: %s, %v", text, err)
	}
	if err := Logout(host); err != nil {
		t.Error(err)
	}
	if err := get(t, s, host); err == nil {
		t.Error("after logout the password is still known")
	}
}

// A credential helper is a program that docker's file names.
func TestCredentialHelper(t *testing.T) {
	var d diary
	host := serve(t, with(wantBasic(&d, "registry")))
	knows(t)
	bin := t.TempDir()
	helper := "#!/bin/sh\necho '{\"ServerURL\": \"x\", \"Username\": \"me\", \"Secret\": \"secret\"}'\n"
	if err := os.WriteFile(filepath.Join(bin, "docker-credential-test"), []byte(helper), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	config := fmt.Sprintf(`{"credHelpers": {%q: "test"}}`, host)
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := get(t, &Settings{NoVerify: true}, host); err != nil {
		t.Error(err)
	}
}

func TestLocal(t *testing.T) {
	for address, want := range map[string]bool{
		"http://localhost:5000/": true, "http://127.3.2.1/": true, "http://[::1]:5000/": true,
		"http://localhost.example.org/": false, "http://10.0.0.1/": false, "http://127.0.0.1.example.org/": false,
	} {
		u, err := url.Parse(address)
		if err != nil || isLoopback(u) != want {
			t.Errorf("%s: %v, %v", address, !want, err)
		}
	}
}
