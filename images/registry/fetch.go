package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
)

// Manifest fetches a document of at most max bytes by its tag or digest. What
// accept lists are the media types that the caller understands; any other is
// an error.
func (r *Repository) Manifest(ctx context.Context, ref string, accept []string, max int64) (data []byte, mediaType string, err error) {
	answer, err := r.get(ctx, r.url("manifests", ref), http.Header{"Accept": {strings.Join(accept, ", ")}}, http.StatusOK)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	mediaType, _, err = mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || !contains(accept, mediaType) {
		return nil, "", fmt.Errorf("manifest %s: unknown type %q", ref, answer.Header.Get("Content-Type"))
	}
	data, err = io.ReadAll(io.LimitReader(answer.Body, max+1))
	if err == nil && int64(len(data)) > max {
		err = fmt.Errorf("manifest %s is larger than %d bytes", ref, max)
	}
	if err != nil {
		return nil, "", err
	}
	got := digest.FromBytes(data)
	for _, said := range []string{ref, answer.Header.Get("Docker-Content-Digest")} {
		if strings.HasPrefix(said, "sha256:") && said != got.String() {
			return nil, "", fmt.Errorf("manifest %s has the digest %s", said, got)
		}
	}
	return data, mediaType, nil
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func (r *Repository) get(ctx context.Context, url string, header http.Header, expected ...int) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header = header
	answer, err := r.client.Do(request)
	if err == nil {
		if err = transport.CheckError(answer, expected...); err == nil {
			return answer, nil
		}
		answer.Body.Close()
	}
	return nil, explain(r.name.Registry, r.guard, err)
}

// Blob reads a blob of size bytes from an offset on. When the connection is
// cut, it asks for the rest (RFC 9110, 14: Range) and goes on. Nothing here
// looks at the digest: whoever has all the bytes does.
func (r *Repository) Blob(ctx context.Context, d digest.Digest, size, offset int64) io.ReadCloser {
	ctx, cancel := context.WithCancel(ctx)
	return &blob{repository: r, ctx: ctx, cancel: cancel, url: r.url("blobs", d.String()), size: size, at: offset}
}

type blob struct {
	repository *Repository
	ctx        context.Context
	cancel     context.CancelFunc
	url        string
	size, at   int64
	body       io.ReadCloser
	failures   int // since the last byte
}

const stallTime = 60 * time.Second

var errStalled = errors.New("no byte came for a minute")

func (b *blob) Read(p []byte) (int, error) {
	if b.at >= b.size {
		return 0, b.checkEnd()
	}
	for {
		n, err := b.read(p[:min(int64(len(p)), b.size-b.at)])
		if b.at += int64(n); n > 0 {
			b.failures = 0
			return n, nil
		}
		if err == nil {
			continue
		}
		var refused *transport.Error
		if b.failures++; b.failures >= tries || b.ctx.Err() != nil || errors.As(err, &refused) || errors.Is(err, errRange) {
			return 0, err
		}
		if b.body != nil {
			b.body.Close()
			b.body = nil
		}
		select {
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		case <-time.After(time.Duration(b.failures) * 100 * time.Millisecond):
		}
	}
}

// read reads once, and not for ever.
func (b *blob) read(p []byte) (int, error) {
	if b.body == nil {
		if err := b.open(); err != nil {
			return 0, err
		}
	}
	body := b.body
	stalled := time.AfterFunc(stallTime, func() { body.Close() })
	n, err := body.Read(p)
	if !stalled.Stop() && err != nil {
		err = errStalled
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // there should be more
	}
	return n, err
}

var errRange = errors.New("it answers a request for another part of the blob")

// open asks for what is still missing.
func (b *blob) open() error {
	header := http.Header{}
	expected := []int{http.StatusOK}
	if b.at > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", b.at))
		expected = append(expected, http.StatusPartialContent)
	}
	answer, err := b.repository.get(b.ctx, b.url, header, expected...)
	if err != nil {
		return err
	}
	b.body = answer.Body
	if answer.StatusCode == http.StatusOK { // it sends all of it, again
		_, err := io.CopyN(io.Discard, b.body, b.at)
		return err
	}
	if !strings.HasPrefix(answer.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", b.at)) {
		return errRange
	}
	return nil
}

// end is io.EOF if the body ends where the blob does.
func (b *blob) checkEnd() error {
	if b.body == nil {
		return io.EOF
	}
	if n, _ := b.body.Read(make([]byte, 1)); n > 0 {
		return fmt.Errorf("it sends more than the %d bytes of the blob", b.size)
	}
	return io.EOF
}

func (b *blob) Close() error {
	b.cancel()
	if b.body == nil {
		return nil
	}
	return b.body.Close()
}
