package images

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
)

// largeLayer returns a layer that is larger than any document.
func largeLayer(name string) []byte { return noise(name, maxConfig+1) }

func loadStream(t testing.TB, s *Store, archive []byte) error {
	t.Helper()
	_, err := s.Load(t.Context(), "-", LoadOptions{Stdin: bytes.NewReader(archive)})
	return err
}

// parts returns a tar in which the file first comes first.
func (a archive) parts(first string) (head, tail []byte) {
	rest := maps.Clone(a)
	delete(rest, first)
	const end = 1024 // two blocks of zeros
	head = archive{first: a[first]}.tar()
	return head[:len(head)-end], rest.tar()
}

// A layer is unpacked when it arrives, before manifest.json.
func TestStreamIsUnpackedAtOnce(t *testing.T) {
	s := newStore(t)
	r, w := io.Pipe()
	loaded := make(chan error, 1)
	go func() {
		_, err := s.Load(t.Context(), "-", LoadOptions{Stdin: r})
		loaded <- err
	}()
	head, tail := dockerArchive("test:one", largeLayer("a")).parts("a/layer.tar")
	_, err := w.Write(head)
	testkit.Check(t, err)
	testkit.Eventually(t, "the layer is unpacked before manifest.json arrives", func() bool {
		found, _ := filepath.Glob(s.path("tmp", "*", "layer*", "diff", "a"))
		return len(found) == 1
	})
	wantImages(t, s, 0)
	_, err = w.Write(tail)
	testkit.Check(t, err)
	w.Close()
	testkit.Check(t, <-loaded)
	checkWhole(t, s)
	wantImages(t, s, 1)
}

func TestStreamForms(t *testing.T) {
	large := largeLayer("a")
	small := tarOf("b", "1")
	layout := archive{}
	layout.index(as(layout.image(large, small), "test:one"))
	named := dockerArchive("test:one", large)
	hex := digest.FromBytes(large).Encoded() + ".tar" // podman and skopeo name it so
	named[hex] = named["a/layer.tar"]
	named["manifest.json"] = bytes.Replace(named["manifest.json"], []byte("a/layer.tar"), []byte(hex), 1)
	for name, b := range map[string]archive{
		"OCI": layout, "docker": dockerArchive("test:one", large, small), "podman": named,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			data := testkit.Gzip(b.tar())
			for range 2 { // the second time, the store has it
				testkit.Check(t, loadStream(t, s, data))
				checkWhole(t, s)
			}
			wantImages(t, s, 1)
		})
	}
}

// One layer under two names, as docker wrote it before version 25.
func TestStreamWithLink(t *testing.T) {
	layer := largeLayer("a")
	b := dockerArchive("test:one", layer, layer)
	delete(b, "b/layer.tar")
	head, tail := b.parts("a/layer.tar")
	link := testkit.Tar(testkit.Link("b/layer.tar", "../a/layer.tar"))[:512] // without its end
	s := newStore(t)
	testkit.Check(t, loadStream(t, s, slices.Concat(head, link, tail)))
	checkWhole(t, s)
}

// A large file that is no layer is ignored, unless an image refers to it as one.
func TestStreamIgnoresOtherFiles(t *testing.T) {
	sbom := append([]byte("{"), bytes.Repeat([]byte(" "), maxConfig)...)
	hostile := largeLayer("../a")
	b := dockerArchive("test:one", tarOf("a", "1"))
	b["sbom.json"], b["hostile.tar"], b["unused.tar"] = sbom, hostile, largeLayer("a")
	s := newStore(t)
	testkit.Check(t, loadStream(t, s, b.tar()))
	checkWhole(t, s)
	if trees, err := s.Layers().List(); err != nil || len(trees) != 1 {
		t.Errorf("layers: %v, %v", trees, err)
	}

	other := largeLayer("a")
	for word, tt := range map[string]struct{ says, is []byte }{
		"read tar":   {sbom, sbom},
		"unpack":     {hostile, hostile},
		"diff ID is": {tarOf(), other},
	} {
		b := dockerArchive("test:two", tt.says)
		b["a/layer.tar"] = tt.is
		testkit.WantError(t, word, loadStream(t, s, b.tar()), word)
		checkWhole(t, s)
	}
}

// A load that waits for a pipe can be cancelled.
func TestStreamCancelled(t *testing.T) {
	s := newStore(t)
	r, w := io.Pipe()
	defer w.Close()
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, stop)
	if _, err := s.Load(ctx, "-", LoadOptions{Stdin: r}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	checkWhole(t, s)
}
