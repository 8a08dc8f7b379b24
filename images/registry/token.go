package registry

// A registry that answers 401 names a token server, the realm:
//
//	WWW-Authenticate: Bearer realm="https://auth.example.org/token",service="registry"
//
// The token server gets the password and returns a token for one repository. The
// library sends no request to a realm at another private address than the
// registry's; this file asks each realm that realm.go allows, as docker does.

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// authenticate asks a registry for its challenge. It returns a transport that answers
// the challenge in each request to the registry, and in no other.
func authenticate(ctx context.Context, registry name.Registry, g *guard, auth authn.Authenticator, scopes []string) (
	http.RoundTripper, error) {
	patient := retrier{g}
	challenge, err := transport.Ping(ctx, registry, patient)
	if err != nil {
		return nil, err
	}
	s := &session{
		inner: transport.NewUserAgent(patient, "minictr"), guard: g, registry: registry,
		challenge: challenge, auth: auth, scopes: scopes,
	}
	if strings.EqualFold(challenge.Scheme, "bearer") {
		if err := s.renew(ctx, ""); err != nil {
			return nil, err
		}
		auth = authn.Anonymous // from here on the token is sent
	}
	// the library's type for a transport after the handshake; it answers "Basic"
	return transport.FromToken(registry, auth, s, &transport.Challenge{}, nil)
}

// A session is the connection to a registry after the handshake.
type session struct {
	inner     http.RoundTripper
	guard     *guard
	registry  name.Registry
	challenge *transport.Challenge
	auth      authn.Authenticator
	scopes    []string

	mu    sync.Mutex
	token string // "" if the registry wants none
}

// RoundTrip sends a request to the registry with the scheme of the handshake and with
// the token, which it renews when it has expired. A request to another host, after a
// redirect, is sent as it is.
func (s *session) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != s.registry.RegistryStr() {
		return s.inner.RoundTrip(r)
	}
	token := s.current()
	answer, err := s.inner.RoundTrip(s.signed(r, token))
	if err != nil || token == "" || answer.StatusCode != http.StatusUnauthorized || r.Body != nil && r.GetBody == nil {
		return answer, err
	}
	answer.Body.Close()
	// once more, with a new token
	if err := s.renew(r.Context(), token); err != nil {
		return nil, err
	}
	again := s.signed(r, s.current())
	if r.GetBody != nil {
		if again.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	return s.inner.RoundTrip(again)
}

// signed returns a request with the scheme of the handshake and a token.
func (s *session) signed(r *http.Request, token string) *http.Request {
	r = r.Clone(r.Context())
	r.URL.Scheme = "https"
	if s.challenge.Insecure {
		r.URL.Scheme = "http"
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func (s *session) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// renew replaces an expired token, unless another request has.
func (s *session) renew(ctx context.Context, expired string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != expired {
		return nil
	}
	// docker's file may have a token instead of a password
	config, err := authn.Authorization(ctx, s.auth)
	if err != nil {
		return err
	}
	if config.RegistryToken != "" {
		s.token = config.RegistryToken
		return nil
	}
	// may the realm be asked?
	realm, err := url.Parse(s.challenge.Parameters["realm"])
	if err != nil {
		return err
	}
	if err := s.guard.checkRealm(s.registry.RegistryStr(), realm); err != nil {
		return err
	}
	server, err := name.NewRegistry(realm.Host)
	if err != nil {
		return err
	}
	token, err := transport.Exchange(ctx, server, s.auth, s.inner, s.scopes, s.challenge)
	if err != nil {
		return err
	}
	s.token = cmp.Or(token.AccessToken, token.Token)
	return nil
}
