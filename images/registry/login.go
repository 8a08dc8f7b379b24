package registry

// Passwords are stored where docker stores them, so that a login to either is one
// to both: in ~/.docker/config.json (or $DOCKER_CONFIG), or by the credential helper
// that this file names ("credsStore", "credHelpers": the program
// docker-credential-<name>).

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/minictr/minictr/hint"
)

// ErrNotLoggedIn is the error of Logout if no password is stored.
var ErrNotLoggedIn = errors.New("not logged in")

// Login logs in to a registry, HOST[:PORT] or a URL of it, and stores user and
// password if it accepts them.
func (s *Settings) Login(ctx context.Context, address, user, password string) error {
	r, err := s.registry(Host(address))
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
	file, err := dockerConfig()
	if err != nil {
		return err
	}
	key := credentialKey(r)
	err = file.GetCredentialsStore(key).Store(types.AuthConfig{Username: user, Password: password, ServerAddress: key})
	return credentialError(file, key, err)
}

// Logout removes the password for a registry, HOST[:PORT] or a URL of it.
func Logout(address string) error {
	r, err := name.NewRegistry(Host(address))
	if err != nil {
		return err
	}
	file, err := dockerConfig()
	if err != nil {
		return err
	}
	key := credentialKey(r)
	store := file.GetCredentialsStore(key)
	found, err := store.Get(key)
	if err != nil {
		return credentialError(file, key, err)
	}
	if found.Username == "" && found.IdentityToken == "" {
		return ErrNotLoggedIn
	}
	// docker once stored URLs
	for _, old := range []string{"http://" + key, "https://" + key} {
		if _, ok := file.AuthConfigs[old]; ok {
			if err := credentials.NewFileStore(file).Erase(old); err != nil {
				return err
			}
		}
	}
	return credentialError(file, key, store.Erase(key))
}

// Host returns the HOST[:PORT] of a registry's address, which may be a URL.
func Host(address string) string { return credentials.ConvertToHostname(address) }

// dockerConfig reads docker's file. A missing one is empty.
func dockerConfig() (*configfile.ConfigFile, error) { return config.Load(os.Getenv("DOCKER_CONFIG")) }

// credentialKey returns the key of a registry in docker's file.
func credentialKey(r name.Registry) string {
	if r.RegistryStr() == name.DefaultRegistry {
		return authn.DefaultAuthKey
	}
	return r.RegistryStr()
}

// credentialError explains an error of a credential helper.
func credentialError(file *configfile.ConfigFile, key string, err error) error {
	if err == nil {
		return nil
	}
	field, helper := `"credsStore"`, file.CredentialsStore
	if own, ok := file.CredentialHelpers[key]; ok {
		field, helper = `"credHelpers"`, own
	}
	if helper == "" {
		return err
	}
	program := "docker-credential-" + helper
	return hint.New(fmt.Errorf("credential helper %s: %w", program, err),
		fmt.Sprintf("%s asks for it in %s: install %s, or remove it there", file.Filename, field, program))
}
