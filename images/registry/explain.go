package registry

// Errors of registries, in the words of docker where its users know them, and what to
// do about each.

import (
	"context"
	"crypto/x509"
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

// hostName returns the name of a registry as users write it.
func hostName(registry string) string {
	if registry == name.DefaultRegistry {
		return "docker.io"
	}
	return registry
}

// explain adds the registry and a hint to an error.
func explain(registry name.Registry, err error) error {
	host := hostName(registry.RegistryStr())
	// a *url.Error has the address, which is long and known
	cause := err
	var request *url.Error
	if errors.As(err, &request) {
		cause = request.Err
	}
	// of HTTPS and plain HTTP, which are both tried, one may be refused
	var status *transport.Error
	isTLS := strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "x509: ")
	switch {
	case errors.Is(err, errPlain):
		cause = errPlain
	case errors.As(err, &status) && !isTLS:
		return refusal(host, status)
	}
	advice := hint.Of(err)
	if advice == "" {
		advice = connectionHint(host, err, request != nil)
	}
	return hint.New(fmt.Errorf("registry %s: %w", host, cause), advice)
}

// connectionHint returns the hint for an error of the connection, or "".
func connectionHint(host string, err error, requested bool) string {
	certs := "/etc/docker/certs.d/" + host
	var network net.Error
	var wrongName x509.HostnameError
	var invalid x509.CertificateInvalidError
	has := func(text string) bool { return strings.Contains(err.Error(), text) }
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case errors.Is(err, errPlain) || has("server gave HTTP response to HTTPS client"):
		return "the registry speaks plain HTTP. If you trust the network: --tls-verify=false, or name it in " +
			"\"insecure-registries\" of " + DefaultSettings
	case errors.As(err, &wrongName):
		return "use a name that its certificate has, or skip verification with --tls-verify=false"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "check the clock with date, or skip verification with --tls-verify=false"
	case has("tls: certificate required") || has("tls: bad certificate") || has("tls: handshake failure"):
		return "if it wants a client certificate: " + certs + "/client.cert and client.key"
	case has("tls: ") || has("x509: "):
		return "trust its authority by its certificate in " + certs + "/ca.crt, or skip verification with " +
			"--tls-verify=false"
	case requested || errors.As(err, &network):
		return "check the network, or load an image from a file with: minictr load -i FILE"
	}
	return ""
}

// A refused request is a response with an error status, in the registry's words.
type refused struct {
	host  string
	cause *transport.Error
}

func (r *refused) Error() string {
	return fmt.Sprintf("registry %s: %s", r.host, strings.TrimSpace(reason(r.cause)))
}

func (r *refused) Unwrap() error { return r.cause }

// refusal returns the error for a response with an error status.
func refusal(host string, e *transport.Error) error {
	err := error(&refused{host, e})
	switch code := firstCode(e); {
	case e.StatusCode == http.StatusUnauthorized || e.StatusCode == http.StatusForbidden:
		return hint.New(err, "check the name; for a private image: minictr login "+host)
	case e.StatusCode == http.StatusNotFound:
		advice := "check the name and the tag"
		switch code {
		case transport.NameUnknownErrorCode:
			advice = "the registry has no image of this name: check it; for a private image: minictr login " + host
		case "":
			advice = "check the name; if " + host + " is not a registry, its name is missing in front"
		}
		return hint.New(fmt.Errorf("%w: %w", err, ErrNotFound), advice)
	case e.StatusCode == http.StatusTooManyRequests:
		return hint.New(err, "try again later; for a higher rate limit: minictr login "+host)
	case e.StatusCode == http.StatusProxyAuthRequired:
		return hint.New(err, "give the proxy its password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT")
	case e.StatusCode >= http.StatusInternalServerError:
		return hint.New(err, "the fault is in the registry: try again later, or read its log")
	}
	return err
}

func firstCode(e *transport.Error) transport.ErrorCode {
	if len(e.Errors) == 0 {
		return ""
	}
	return e.Errors[0].Code
}

// reason returns the message of the registry, or the status.
func reason(e *transport.Error) string {
	if len(e.Errors) == 0 || e.Errors[0].Message == "" {
		return fmt.Sprintf("%d %s", e.StatusCode, http.StatusText(e.StatusCode))
	}
	return e.Errors[0].Message
}

// wrongType returns the error for a manifest of a type that is not an image's.
func wrongType(host, image, contentType, mediaType string) error {
	err := fmt.Errorf("registry %s: manifest %s: unknown media type %q", host, image, contentType)
	switch mediaType {
	case "application/vnd.docker.distribution.manifest.v1+json",
		"application/vnd.docker.distribution.manifest.v1+prettyjws":
		return hint.New(err, "the image is in docker's old format, schema 1. Convert it: skopeo copy docker://IMAGE "+
			"docker-archive:FILE:IMAGE; minictr load -i FILE")
	case "text/html":
		return hint.New(err, "this is a web page, as of a login or of a site that is not a registry: open https://"+
			host+"/v2/ in a browser")
	}
	return err
}
