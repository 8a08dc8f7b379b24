package layers

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
)

func compress(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Both digests cover every byte, also those behind the end of the tar.
func TestDigests(t *testing.T) {
	needRoot(t)
	plain := append(makeTar(t, file("a", "1")), bytes.Repeat([]byte{7}, 3*chunkSize+1)...)
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	half := len(plain) / 2
	for name, blob := range map[string][]byte{
		"plain":               plain,
		"empty":               {},
		"gzip":                compress(t, plain),
		"gzip of two members": append(compress(t, plain[:half]), compress(t, plain[half:])...),
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
