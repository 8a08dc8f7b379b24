package layers

import (
	"context"
	"io"

	"github.com/opencontainers/go-digest"
)

// Digests reads a layer's blob to its end and returns what the blob and the
// tar within are called, and unpacks nothing.
func Digests(ctx context.Context, r io.Reader) (blob, diffID digest.Digest, err error) {
	s, err := newStream(ctx, r, DefaultLimits.Bytes)
	if err != nil {
		return "", "", err
	}
	defer s.Close()
	return s.digests()
}
