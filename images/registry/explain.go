package registry

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/minictr/minictr/hint"
)

// ErrNotFound is in the error for what a registry does not have.
var ErrNotFound = errors.New("not found there")

// explain turns what went wrong with a registry into a sentence with a hint.
func explain(registry name.Registry, g *guard, err error) error {
	host := registry.RegistryStr()
	if host == name.DefaultRegistry {
		host = "docker.io"
	}
	var request *url.Error
	var refused *transport.Error
	var network net.Error
	switch {
	case errors.Is(err, errPlain) || g != nil && g.withheld.Load() && errors.As(err, &refused):
		return hint.New(fmt.Errorf("registry %s: %w", host, errPlainOr(err)),
			"if everybody on the way may read the password and change the image: --tls-verify=false")
	case strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "x509: "):
		return hint.New(fmt.Errorf("registry %s: %w", host, withoutAddress(err)), "SSL_CERT_FILE=FILE names another authority to trust; --tls-verify=false trusts everybody")
	case errors.As(err, &refused):
		return refusal(host, refused)
	case errors.As(err, &request) || errors.As(err, &network):
		return hint.New(fmt.Errorf("registry %s: %w", host, withoutAddress(err)), "is there a network? An image in a file is loaded with: minictr load -i FILE")
	}
	return fmt.Errorf("registry %s: %w", host, err)
}

var errWithheld = errors.New("it asks for a password over plain http, which was not sent")

func errPlainOr(err error) error {
	if errors.Is(err, errPlain) {
		return errPlain
	}
	return errWithheld
}

// inner is a request's error without the address, which is long and known.
func withoutAddress(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}

// refusal is an answer that is a refusal.
func refusal(host string, e *transport.Error) error {
	said := strings.TrimSpace(reason(e))
	err := fmt.Errorf("registry %s: %s", host, said)
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return hint.New(err, "is the name right? If the image is private: minictr login "+host)
	case http.StatusNotFound:
		return hint.New(fmt.Errorf("registry %s: %s: %w", host, said, ErrNotFound), "look at the name and the tag")
	case http.StatusTooManyRequests:
		return hint.New(err, "wait; who is known may ask more often: minictr login "+host)
	}
	return err
}

// reason is what the registry says, or the status.
func reason(e *transport.Error) string {
	if len(e.Errors) == 0 || e.Errors[0].Message == "" {
		return fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))
	}
	return e.Errors[0].Message
}
