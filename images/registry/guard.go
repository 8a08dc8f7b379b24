package registry

// The guard stands before the wire and looks at every request, whoever made
// it: ours, those for tokens, and those that follow a redirect.
//
//   - Nothing is sent over plain http, unless we were told that the registry
//     is insecure, or it is on this machine. There a password is held back
//     all the same: any user's program may listen on a port.
//   - A password or token is sent to the host that it was meant for. A
//     redirect to another host, or another port, goes without it (the standard
//     library would keep it for other ports and for subdomains).
//
// The patient waits behind it: a registry that is busy (429, 503) says how
// long with Retry-After, and is asked again.

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

type guard struct {
	inner    http.RoundTripper
	insecure bool        // that the registry is insecure
	withheld atomic.Bool // a password was not sent
}

var (
	errPlain = errors.New("it speaks plain http, or redirects there")
	errForm  = errors.New("it wants a token in a form, over plain http or at another host")
)

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	plain := r.URL.Scheme != "https" && !g.insecure
	if plain && !isLoopback(r.URL) {
		return nil, errPlain
	}
	form := r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" // OAuth's way
	secret := form || r.Header.Get("Authorization") != ""
	if !secret || !plain && !redirected(r) {
		return g.inner.RoundTrip(r)
	}
	if r.Header.Get("Authorization") == "" {
		return nil, errForm
	}
	if plain {
		g.withheld.Store(true)
	}
	r = r.Clone(r.Context())
	r.Header.Del("Authorization")
	return g.inner.RoundTrip(r)
}

// strayed: redirects led to another place than the first request went to.
func redirected(r *http.Request) bool {
	first := r
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	return first.URL.Host != r.URL.Host || first.URL.Scheme != r.URL.Scheme
}

// local: the address is on this machine.
func isLoopback(u *url.URL) bool {
	if u.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

// patient asks a busy registry again.
type retrier struct{ inner http.RoundTripper }

const (
	tries   = 5
	maxWait = 2 * time.Minute
)

func (p retrier) RoundTrip(r *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		answer, err := p.inner.RoundTrip(r)
		if err != nil || try == tries || !busy(answer) || r.Body != nil && r.GetBody == nil {
			return answer, err
		}
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
		if r.GetBody != nil {
			r = r.Clone(r.Context())
			if r.Body, err = r.GetBody(); err != nil {
				return nil, fmt.Errorf("send again: %w", err)
			}
		}
	}
}

func busy(answer *http.Response) bool {
	return answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusServiceUnavailable
}

// waitFor reads a Retry-After, seconds or a date (RFC 9110, 10.2.3). Without
// one the wait doubles from one second.
func retryAfter(after string, try int) time.Duration {
	if n, err := strconv.Atoi(after); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if date, err := http.ParseTime(after); err == nil {
		return max(0, time.Until(date))
	}
	return time.Second << (try - 1)
}
