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

// ErrNotFound is in the error for a document that a registry does not have.
var ErrNotFound = errors.New("not found")

// explain adds the registry and a hint to an error.
func explain(registry name.Registry, g *guard, err error) error {
	host := registry.RegistryStr()
	if host == name.DefaultRegistry {
		host = "docker.io"
	}
	// a *url.Error has the address, which is long and known
	cause := err
	var request *url.Error
	if errors.As(err, &request) {
		cause = request.Err
	}
	// which kind of error is it?
	var refused *transport.Error
	var network net.Error
	advice := ""
	switch isRefused := errors.As(err, &refused); {
	case errors.Is(err, errPlain):
		cause, advice = errPlain, hintInsecure
	case isRefused && g != nil && g.withheld.Load():
		cause, advice = errWithheld, hintInsecure
	case strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "x509: "):
		advice = "trust another authority with SSL_CERT_FILE=FILE, or skip verification with --tls-verify=false"
	case isRefused:
		return refusal(host, refused)
	case request != nil || errors.As(err, &network):
		advice = "check the network, or load an image from a file with: minictr load -i FILE"
	default:
		return fmt.Errorf("registry %s: %w", host, err)
	}
	return hint.New(fmt.Errorf("registry %s: %w", host, cause), advice)
}

var errWithheld = errors.New("password not sent over plain HTTP")

const hintInsecure = "if you trust the network: --tls-verify=false"

// refusal returns the error for a response with an error status.
func refusal(host string, e *transport.Error) error {
	message := strings.TrimSpace(reason(e))
	err := fmt.Errorf("registry %s: %s", host, message)
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return hint.New(err, "check the name; for a private image: minictr login "+host)
	case http.StatusNotFound:
		return hint.New(fmt.Errorf("registry %s: %s: %w", host, message, ErrNotFound), "check the name and the tag")
	case http.StatusTooManyRequests:
		return hint.New(err, "try again later; for a higher rate limit: minictr login "+host)
	}
	return err
}

// reason returns the message of the registry, or the status.
func reason(e *transport.Error) string {
	if len(e.Errors) == 0 || e.Errors[0].Message == "" {
		return fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))
	}
	return e.Errors[0].Message
}
