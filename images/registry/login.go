package registry

// Passwords are stored where docker stores them, so that a login to either is one
// to both: in ~/.docker/config.json (or $DOCKER_CONFIG), or by the credential helper
// that this file names ("credsStore", "credHelpers": the program
// docker-credential-<name>).

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

// ErrNotLoggedIn is the error of Logout if no password is stored.
var ErrNotLoggedIn = errors.New("not logged in")

// Login logs in to a registry, and stores user and password if it accepts them.
func (s *Settings) Login(ctx context.Context, registry, user, password string) error {
	r, err := s.registry(registry)
	if err != nil {
		return err
	}
	// try them
	known, err := s.handshake(ctx, r.Repo(), &authn.Basic{Username: user, Password: password}, nil)
	if err != nil {
		return err
	}
	answer, err := known.get(ctx, r.Scheme()+"://"+r.RegistryStr()+"/v2/", http.Header{}, http.StatusOK)
	if err != nil {
		return err
	}
	answer.Body.Close()
	// store them
	file, err := config.Load(os.Getenv("DOCKER_CONFIG"))
	if err != nil {
		return err
	}
	key := credentialKey(r)
	return file.GetCredentialsStore(key).Store(types.AuthConfig{Username: user, Password: password, ServerAddress: key})
}

// Logout removes the password for a registry.
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

// credentialKey returns the key of a registry in docker's file.
func credentialKey(r name.Registry) string {
	if r.RegistryStr() == name.DefaultRegistry {
		return authn.DefaultAuthKey
	}
	return r.RegistryStr()
}
