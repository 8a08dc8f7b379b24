package layers

// Fuzz targets of what has no file system. Those of tar entries are in
// hostile_test.go.

import (
	"bytes"
	"io"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// addSmallBlobs adds the small blobs of the torture image: its layers, but the lowest,
// in gzip and zstd.
func addSmallBlobs(f *testing.F) {
	f.Helper()
	for _, name := range []string{"oci-gzip.tar", "oci-zstd.tar"} {
		for _, data := range testkit.SmallFiles(f, filepath.Join("../../shared/images/torture", name), 4096) {
			f.Add(data)
		}
	}
}

// FuzzDecompress decompresses any bytes: that ends, and what is not compressed stays.
func FuzzDecompress(f *testing.F) {
	addSmallBlobs(f)
	f.Add([]byte{})
	f.Add([]byte("\x1f\x8b"))
	f.Add([]byte("BZh9"))
	f.Add([]byte("\xfd7zXZ\x00"))
	f.Add(testkit.Gzip([]byte("text")))
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, compression, err := Decompress(bytes.NewReader(data))
		if err != nil {
			return
		}
		defer plain.Close()
		got, err := io.ReadAll(io.LimitReader(plain, 1<<20))
		if compression == Uncompressed && (err != nil || !bytes.Equal(got, data[:min(len(data), 1<<20)])) {
			t.Fatalf("%q became %q, %v", data, got, err)
		}
	})
}

// FuzzName parses any name of an entry: the path that it returns is clean and stays
// below the root of the layer, and a whiteout is of a name.
func FuzzName(f *testing.F) {
	for _, seed := range []string{
		"", "./", "a/../b", "../a", "a/.wh.b", "a/.wh..wh..opq", ".wh..wh.plnk/1.2", "a/.wh...", "/a//b/.",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, marker, err := ParseName(name)
		if err != nil {
			return
		}
		if path.Clean("/"+got) != "/"+got || strings.HasPrefix(got, "/") {
			t.Fatalf("%q became %q", name, got)
		}
		if base := path.Base("/" + got); marker == Whiteout && (base == "/" || base == ".." || base == ".") {
			t.Fatalf("%q is a whiteout of %q", name, got)
		}
	})
}
