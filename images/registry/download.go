package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// Download returns the file at a URL, http or https, and its size in bytes, -1 if it is
// unknown. A redirect may not lead from https to http. The caller closes the body.
func Download(ctx context.Context, url string) (body io.ReadCloser, size int64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	t := newTransport((&net.Dialer{Timeout: dialTimeout}).DialContext)
	client := http.Client{Transport: t, CheckRedirect: func(next *http.Request, before []*http.Request) error {
		if next.URL.Scheme != "https" && before[0].URL.Scheme == "https" {
			return errPlain
		}
		if len(before) == 10 { // net/http's
			return errors.New("too many redirects")
		}
		return nil
	}}
	answer, err := client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, 0, fmt.Errorf("download %s: %s", url, strings.TrimSpace(answer.Status))
	}
	return answer.Body, answer.ContentLength, nil
}
