package registry

// The guard is the innermost transport and sees every request: ours, those for
// tokens, and those that follow a redirect.
//
//   - Nothing is sent over plain HTTP, unless the registry is insecure by the
//     settings, or on this machine, which docker trusts, too.
//   - No redirect leads nearer to this machine than the registry is: see realm.go.
//   - A password or token is only sent to the host that it is for. A redirect to
//     another host or port goes without it; net/http would keep it for another
//     port and for subdomains.
//
// The retrier is around it: it repeats a request to a busy registry (429, 503)
// after the time in Retry-After.

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/minictr/minictr/hint"
)

// A guard decides what is sent.
type guard struct {
	inner    http.RoundTripper
	dialer   *dialer // of inner
	insecure bool    // by the settings
}

var (
	errPlain = errors.New("plain HTTP, or a redirect to it, is not allowed")
	errForm  = errors.New("token request: not sent to another host")
)

// RoundTrip sends r, without a secret that the host may not see.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	// may it be sent at all?
	if r.URL.Scheme != "https" && !g.insecure && !isLoopback(r.URL.Hostname()) {
		return nil, errPlain
	}
	first := firstRequest(r)
	otherHost := first.URL.Host != r.URL.Host
	if otherHost && distance(r.URL.Hostname()) < g.distance(first.URL.Host) {
		return nil, hint.New(fmt.Errorf("redirect to a private network refused: %s", r.URL.Host),
			"a registry at a public address may not. If it is yours: pull from its private address")
	}
	// does it have a secret, and may the host see it?
	redirected := otherHost || first.URL.Scheme != r.URL.Scheme
	form := r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" // OAuth 2.0 (RFC 6749)
	secret := form || r.Header.Get("Authorization") != ""
	if !secret || !redirected {
		return g.inner.RoundTrip(r)
	}
	if r.Header.Get("Authorization") == "" {
		return nil, errForm
	}
	// send it without
	r = r.Clone(r.Context())
	r.Header.Del("Authorization")
	return g.inner.RoundTrip(r)
}

// firstRequest returns the request from which redirects led to r.
func firstRequest(r *http.Request) *http.Request {
	for r.Response != nil && r.Response.Request != nil {
		r = r.Response.Request
	}
	return r
}

// isLoopback reports whether the host is this machine.
func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}

// A retrier repeats a request to a busy registry.
type retrier struct{ inner http.RoundTripper }

const (
	maxTries = 5
	maxWait  = 2 * time.Minute
)

// RoundTrip sends r at most maxTries times.
func (p retrier) RoundTrip(r *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		answer, err := p.inner.RoundTrip(r)
		if err != nil || try == maxTries || !busy(answer) || r.Body != nil && r.GetBody == nil {
			return answer, err
		}
		// wait, unless it takes too long
		wait := retryAfter(answer.Header.Get("Retry-After"), try)
		if wait > maxWait {
			return answer, nil
		}
		answer.Body.Close()
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(wait):
		}
		// a body must be read again from its start
		if r.GetBody != nil {
			r = r.Clone(r.Context())
			if r.Body, err = r.GetBody(); err != nil {
				return nil, fmt.Errorf("retry request: %w", err)
			}
		}
	}
}

func busy(answer *http.Response) bool {
	return answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusServiceUnavailable
}

// retryAfter parses Retry-After: seconds or a date (RFC 9110, 10.2.3). Without it,
// the wait starts at one second and doubles.
func retryAfter(after string, try int) time.Duration {
	if n, err := strconv.ParseUint(after, 10, 32); err == nil {
		return time.Duration(n) * time.Second
	}
	if date, err := http.ParseTime(after); err == nil {
		return max(0, time.Until(date))
	}
	return time.Second << (try - 1)
}
