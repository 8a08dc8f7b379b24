// Package registry talks to registries: servers that keep images, by the
// protocol of the OCI distribution-spec. It fetches documents and blobs, and
// knows who may see which password. What the bytes mean is for others.
//
//	GET /v2/                            is it a registry, and who may ask?
//	GET /v2/<name>/manifests/<ref>      a manifest or an index, by tag or digest
//	GET /v2/<name>/blobs/<digest>       a config or a layer
//
// The first answer may be 401 with a challenge. "Basic" asks for a password
// with each request; "Bearer" names a token server, which sees the password
// and gives a token for one repository and a few minutes. Both are done by
// go-containerregistry; which bytes may leave on which connection is decided
// here, in guard.go.
package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// A Repository is a repository of a registry, after the handshake.
type Repository struct {
	name   name.Repository
	client *http.Client
	guard  *guard
}

// From calls use with the repository of a complete name: first with those of
// the mirrors, then with its own, until one time there is no error.
func (s *Settings) From(ctx context.Context, image string, use func(*Repository) error) error {
	places, err := s.places(image)
	if err != nil {
		return err
	}
	var wrong []error
	for _, place := range places {
		r, err := s.open(ctx, place, transport.PullScope)
		if err == nil {
			err = use(r)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// To returns the repository of a complete name, to push to.
func (s *Settings) To(ctx context.Context, image string) (*Repository, error) {
	places, err := s.places(image)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, places[len(places)-1], transport.PushScope)
}

// places are where a repository may be: the last is its own, those before are
// mirrors of Docker Hub.
func (s *Settings) places(image string) (all []name.Repository, err error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, err
	}
	r := ref.Context()
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

// registry is a registry by its address.
func (s *Settings) registry(address string) (name.Registry, error) {
	if s.isInsecure(host(address)) {
		return name.NewRegistry(host(address), name.Insecure)
	}
	return name.NewRegistry(host(address))
}

func (s *Settings) open(ctx context.Context, r name.Repository, action string) (*Repository, error) {
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, r)
	if err != nil {
		return nil, err
	}
	return s.handshake(ctx, r, auth, []string{r.Scope(action)})
}

func (s *Settings) handshake(ctx context.Context, r name.Repository, auth authn.Authenticator, scopes []string) (*Repository, error) {
	g := &guard{inner: s.transport(r.RegistryStr()), insecure: s.isInsecure(r.RegistryStr())}
	t, err := transport.NewWithContext(ctx, r.Registry, auth, retrier{g}, scopes)
	if err != nil {
		return nil, explain(r.Registry, g, err)
	}
	return &Repository{name: r, client: &http.Client{Transport: t}, guard: g}, nil
}

const (
	dialTime   = 10 * time.Second
	answerTime = 60 * time.Second
)

// wire is the connection below all else.
func (s *Settings) transport(registry string) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: dialTime}).DialContext
	t.ResponseHeaderTimeout = answerTime
	t.DisableCompression = true // a digest is of the bytes as they are
	if s.isInsecure(registry) {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	}
	return t
}

// url is the address of a document or blob. The scheme is put right by the
// transport, which knows how the registry answered.
func (r *Repository) url(kind, ref string) string {
	return r.name.Scheme() + "://" + r.name.RegistryStr() + "/v2/" + r.name.RepositoryStr() + "/" + kind + "/" + ref
}
