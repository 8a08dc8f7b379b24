package registry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// A Repository is a repository of a registry, after the handshake with it.
type Repository struct {
	name   name.Repository
	client *http.Client
}

// From calls use with the repository of a complete name, in each mirror and then in
// its own registry, until use returns nil. The error has those of all.
func (s *Settings) From(ctx context.Context, image string, use func(*Repository) error) error {
	places, err := s.places(image)
	if err != nil {
		return err
	}
	var failed []error
	for _, place := range places {
		r, err := s.open(ctx, place, transport.PullScope)
		if err == nil {
			err = use(r)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// To returns the repository of a complete name for pushing. Mirrors are not used.
func (s *Settings) To(ctx context.Context, image string) (*Repository, error) {
	places, err := s.places(image)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, places[len(places)-1], transport.PushScope)
}

// places returns the places of a repository: in the mirrors of Docker Hub, and last
// in its own registry.
func (s *Settings) places(image string) (all []name.Repository, err error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, err
	}
	r := ref.Context()
	// only Docker Hub has mirrors
	addresses := []string{r.RegistryStr()}
	if r.RegistryStr() == name.DefaultRegistry {
		addresses = append(slices.Clone(s.Mirrors), r.RegistryStr())
	}
	for _, address := range addresses {
		registry, err := s.registry(address)
		if err != nil {
			return nil, err
		}
		all = append(all, registry.Repo(r.RepositoryStr()))
	}
	return all, nil
}

// registry returns the registry of an address.
func (s *Settings) registry(address string) (name.Registry, error) {
	host := host(address)
	u := url.URL{Host: host}
	if s.isInsecure(host) || isLoopback(u.Hostname()) {
		return name.NewRegistry(host, name.Insecure) // over HTTPS, or else over plain HTTP
	}
	return name.NewRegistry(host)
}

// open opens a repository with the password that docker's config has for it.
func (s *Settings) open(ctx context.Context, r name.Repository, action string) (*Repository, error) {
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, r)
	if err != nil {
		if file, broken := dockerConfig(); broken == nil {
			err = credentialError(file, credentialKey(r.Registry), err)
		}
		return nil, explain(r.Registry, err)
	}
	return s.handshake(ctx, r, auth, []string{r.Scope(action)})
}

// handshake asks the registry for its challenge, and a token server for a token.
func (s *Settings) handshake(ctx context.Context, r name.Repository, auth authn.Authenticator, scopes []string) (
	*Repository, error) {
	g, err := s.guard(r.RegistryStr())
	if err != nil {
		return nil, explain(r.Registry, err)
	}
	t, err := authenticate(ctx, r.Registry, g, auth, scopes)
	if err != nil {
		return nil, explain(r.Registry, err)
	}
	return &Repository{name: r, client: &http.Client{Transport: t}}, nil
}

const (
	dialTimeout     = 10 * time.Second
	responseTimeout = 60 * time.Second
)

// newTransport returns the transport for a server of files.
func newTransport(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = dial
	t.ResponseHeaderTimeout = responseTimeout
	t.DisableCompression = true // a digest is that of the bytes as they are sent
	return t
}

// guard returns the HTTP connection to a registry.
func (s *Settings) guard(registry string) (*guard, error) {
	d := &dialer{Dialer: net.Dialer{Timeout: dialTimeout}, distances: make(map[string]int)}
	t := newTransport(d.DialContext)
	insecure := s.isInsecure(registry)
	var err error
	if t.TLSClientConfig, err = tlsConfig(t.TLSClientConfig, registry, insecure); err != nil {
		return nil, err
	}
	return &guard{inner: t, dialer: d, insecure: insecure}, nil
}

// url returns the URL of a document or blob. The transport corrects its scheme to
// that of the handshake.
func (r *Repository) url(kind, ref string) string {
	return r.name.Scheme() + "://" + r.name.RegistryStr() + "/v2/" + r.name.RepositoryStr() + "/" + kind + "/" + ref
}
