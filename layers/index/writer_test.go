package index

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/layers"
)

// The index that is written while a layer is unpacked is that of Read, but for digests.
func TestWriterIsRead(t *testing.T) {
	testkit.NeedRoot(t)
	twice := tarOf(&tar.Header{Typeflag: tar.TypeReg, Name: "a"}, &tar.Header{Typeflag: tar.TypeReg, Name: "a"},
		&tar.Header{Typeflag: tar.TypeDir, Name: "d"}, &tar.Header{Typeflag: tar.TypeReg, Name: "d"})
	for name, data := range map[string][]byte{
		"everything": everything(), "gzip": testkit.Gzip(everything()), "nothing": tarOf(), "replaced": twice,
	} {
		dir := t.TempDir()
		file, err := os.Create(filepath.Join(dir, "index"))
		testkit.Check(t, err)
		defer file.Close()
		w := NewWriter(file)
		u, err := layers.UnpackAndList(t.Context(), bytes.NewReader(data), filepath.Join(dir, "l"), w.Add)
		testkit.Check(t, err)
		testkit.Check(t, w.Close(u))
		var want bytes.Buffer
		x := read(t, data)
		for i := range x.Entries {
			x.Entries[i].Sum = unknown
		}
		testkit.Check(t, x.Write(&want))
		testkit.Equal(t, name, testkit.ReadFile(t, file.Name()), want.String())
	}
}

// The digest of a file that is not in the index is that of the file.
func TestDigest(t *testing.T) {
	x := read(t, tarOf(&tar.Header{Typeflag: tar.TypeReg, Name: "a"}))
	e := &x.Entries[0]
	want := e.Sum
	for content, known := range map[string]bool{"a": true, "": false, "ab": false} {
		e.Sum = unknown
		x.SetContents(func(path string) (io.ReadCloser, error) {
			testkit.Equal(t, "path", path, "a")
			return io.NopCloser(strings.NewReader(content)), nil
		})
		if got, ok := e.Digest(); ok != known || known && got != want {
			t.Errorf("content %q: digest %x, known: %v", content, got, ok)
		}
	}
}
