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
	"errors"
	"net"
	"net/http"
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

// Actions of a token's scope, as the distribution-spec spells them.
const (
	Pull = transport.PullScope
	Push = transport.PushScope
)

// Open shakes hands with the registry of a complete name, or with the first
// of its mirrors that answers.
func (s *Settings) Open(ctx context.Context, image string, action string) (*Repository, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, err
	}
	var wrong []error
	places, err := s.places(ref.Context(), action)
	if err != nil {
		return nil, err
	}
	for _, r := range places {
		repository, err := s.open(ctx, r, action)
		if err == nil {
			return repository, nil
		}
		wrong = append(wrong, err)
	}
	return nil, errors.Join(wrong...)
}

// places are where a repository is looked for: for Docker Hub, the mirrors
// come first when we pull.
func (s *Settings) places(r name.Repository, action string) ([]name.Repository, error) {
	var all []name.Repository
	if action == Pull && r.RegistryStr() == name.DefaultRegistry {
		for _, mirror := range s.Mirrors {
			registry, err := s.registry(mirror)
			if err != nil {
				return nil, err
			}
			all = append(all, registry.Repo(r.RepositoryStr()))
		}
	}
	own, err := s.registry(r.RegistryStr())
	return append(all, own.Repo(r.RepositoryStr())), err
}

// registry is a registry by its address.
func (s *Settings) registry(address string) (name.Registry, error) {
	if s.plain(host(address)) {
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
	g := &guard{inner: s.wire(r.RegistryStr()), told: s.plain(r.RegistryStr())}
	t, err := transport.NewWithContext(ctx, r.Registry, auth, patient{g}, scopes)
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
func (s *Settings) wire(registry string) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: dialTime}).DialContext
	t.ResponseHeaderTimeout = answerTime
	t.DisableCompression = true // a digest is of the bytes as they are
	if s.plain(registry) {
		t.TLSClientConfig.InsecureSkipVerify = true
	}
	return t
}

// url is the address of a document or blob. The scheme is put right by the
// transport, which knows how the registry answered.
func (r *Repository) url(kind, ref string) string {
	return r.name.Scheme() + "://" + r.name.RegistryStr() + "/v2/" + r.name.RepositoryStr() + "/" + kind + "/" + ref
}

// Registry is the host that serves it.
func (r *Repository) Registry() string { return r.name.RegistryStr() }
