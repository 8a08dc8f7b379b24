package registry

// Passwords are kept where docker keeps them, so that whoever logged in there
// is known here too: in ~/.docker/config.json (or $DOCKER_CONFIG), or with the
// credential helper that this file names ("credsStore", "credHelpers": a
// program docker-credential-<name>).

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// ErrNotLoggedIn is Logout's error where there is nothing to forget.
var ErrNotLoggedIn = errors.New("not logged in")

// Login asks a registry whether it knows a user with this password, and keeps
// them if so.
func (s *Settings) Login(ctx context.Context, registry, user, password string) error {
	r, err := s.registry(registry)
	if err != nil {
		return err
	}
	known, err := s.handshake(ctx, r.Repo(), &authn.Basic{Username: user, Password: password}, nil)
	if err != nil {
		return err
	}
	answer, err := known.get(ctx, r.Scheme()+"://"+r.RegistryStr()+"/v2/", http.Header{}, http.StatusOK)
	if err != nil {
		return err
	}
	answer.Body.Close()
	file, err := config.Load(os.Getenv("DOCKER_CONFIG"))
	if err != nil {
		return err
	}
	key := credentialKey(r)
	return file.GetCredentialsStore(key).Store(types.AuthConfig{Username: user, Password: password, ServerAddress: key})
}

// Logout forgets the password for a registry.
func Logout(registry string) error {
	r, err := name.NewRegistry(host(registry))
	if err != nil {
		return err
	}
	file, err := config.Load(os.Getenv("DOCKER_CONFIG"))
	if err != nil {
		return err
	}
	key := credentialKey(r)
	store := file.GetCredentialsStore(key)
	if found, err := store.Get(key); err != nil || found.Username == "" && found.IdentityToken == "" {
		return errors.Join(ErrNotLoggedIn, err)
	}
	return store.Erase(key)
}

// credentialKey is how docker's file names a registry.
func credentialKey(r name.Registry) string {
	if r.RegistryStr() == name.DefaultRegistry {
		return authn.DefaultAuthKey
	}
	return r.RegistryStr()
}
