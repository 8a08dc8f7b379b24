package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/go-digest"
)

// Manifest fetches a manifest or an index of at most max bytes, by tag or digest,
// and verifies its digest. A media type that is not in accept is an error.
func (r *Repository) Manifest(ctx context.Context, ref string, accept []string, max int64) (
	data []byte, mediaType string, err error) {
	header := http.Header{"Accept": {strings.Join(accept, ", ")}}
	answer, err := r.get(ctx, r.url("manifests", ref), header, http.StatusOK)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	// its type
	mediaType, _, err = mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(accept, mediaType) {
		return nil, "", wrongType(hostName(r.name.RegistryStr()), ref, answer.Header.Get("Content-Type"), mediaType)
	}
	// its bytes
	data, err = io.ReadAll(io.LimitReader(answer.Body, max+1))
	if err == nil && int64(len(data)) > max {
		err = fmt.Errorf("manifest %s is larger than %d bytes", ref, max)
	}
	if err != nil {
		return nil, "", err
	}
	// its digest, if one is known
	got := digest.FromBytes(data)
	for _, want := range []string{ref, answer.Header.Get("Docker-Content-Digest")} {
		if strings.HasPrefix(want, "sha256:") && want != got.String() {
			return nil, "", hint.New(fmt.Errorf("manifest %s: digest is %s", want, got), WrongBytes)
		}
	}
	return data, mediaType, nil
}

// WrongBytes is the hint for content that does not have the digest it was asked for.
const WrongBytes = "the registry, or a proxy, sent other bytes: pull again"

// get sends a request. A status that is not expected is an error.
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
	return nil, explain(r.name.Registry, err)
}

// Blob returns the blob d of size bytes, from an offset on. If the connection is
// closed early, the reader requests the rest (RFC 9110, 14: Range). It does not
// verify the digest: the caller has all the bytes.
func (r *Repository) Blob(ctx context.Context, d digest.Digest, size, offset int64) io.ReadCloser {
	ctx, cancel := context.WithCancel(ctx)
	return &blob{repository: r, ctx: ctx, cancel: cancel, url: r.url("blobs", d.String()), size: size, at: offset}
}

// A blob is a download.
type blob struct {
	repository *Repository
	ctx        context.Context
	cancel     context.CancelFunc
	url        string
	size, at   int64
	body       io.ReadCloser
	failures   int // since the last byte
}

const stallTimeout = 60 * time.Second // without a byte

var errStalled = errors.New("no data received for 60 s")

// Read reads from the connection, and opens another one after an error.
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
		// is it worth another try?
		var refused *transport.Error
		final := b.ctx.Err() != nil || errors.As(err, &refused) || errors.Is(err, errRange)
		if refused != nil && refused.StatusCode == http.StatusRequestedRangeNotSatisfiable {
			err = fmt.Errorf("the registry has only %d of the blob's %d bytes", b.at, b.size)
		}
		if b.failures++; final || b.failures >= maxTries {
			return 0, err
		}
		// wait a moment
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

// read reads once, until the timeout.
func (b *blob) read(p []byte) (int, error) {
	if b.body == nil {
		if err := b.open(); err != nil {
			return 0, err
		}
	}
	body := b.body
	stalled := time.AfterFunc(stallTimeout, func() { body.Close() })
	n, err := body.Read(p)
	if !stalled.Stop() && err != nil {
		err = errStalled
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // the blob is longer
	}
	return n, err
}

var errRange = errors.New("response has another range of the blob")

// open requests the rest of the blob.
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
	if answer.StatusCode == http.StatusOK { // it ignores Range: skip what is here
		_, err := io.CopyN(io.Discard, b.body, b.at)
		return err
	}
	if !strings.HasPrefix(answer.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", b.at)) {
		return errRange
	}
	return nil
}

// checkEnd returns io.EOF if the response is not longer than the blob.
func (b *blob) checkEnd() error {
	if b.body == nil {
		return io.EOF
	}
	if n, _ := b.body.Read(make([]byte, 1)); n > 0 {
		return fmt.Errorf("response is longer than the blob of %d bytes", b.size)
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
