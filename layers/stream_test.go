package layers

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
)

// Both digests cover every byte, also those after the end of the tar.
func TestDigests(t *testing.T) {
	testkit.NeedRoot(t)
	plain := append(testkit.Tar(file("a", "1")), bytes.Repeat([]byte{7}, 3*chunkSize+1)...)
	enc, err := zstd.NewWriter(nil)
	testkit.Check(t, err)
	half := len(plain) / 2
	for name, blob := range map[string][]byte{
		"plain":               plain,
		"empty":               {},
		"gzip":                testkit.Gzip(plain),
		"gzip of two members": append(testkit.Gzip(plain[:half]), testkit.Gzip(plain[half:])...),
		"zstd":                enc.EncodeAll(plain, nil),
	} {
		u, err := Unpack(t.Context(), bytes.NewReader(blob), filepath.Join(t.TempDir(), "l"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tar := digest.FromBytes(plain)
		if name == "empty" {
			tar = digest.FromBytes(nil)
		}
		if u.Blob != digest.FromBytes(blob) || u.DiffID != tar {
			t.Errorf("%s: blob %s, diff ID %s", name, u.Blob, u.DiffID)
		}
	}
}
