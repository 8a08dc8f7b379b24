package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

// largeLayer is a layer too large to wait.
func largeLayer(t testing.TB, name string) []byte {
	t.Helper()
	noise := make([]byte, maxConfig+1) // that gzip does not make small
	rand.NewChaCha8([32]byte{}).Read(noise)
	return tarOf(t, map[string]string{name: string(noise)})
}

func loadStream(t testing.TB, s *Store, archive []byte) error {
	t.Helper()
	_, err := s.Load(t.Context(), "-", LoadOptions{Stdin: bytes.NewReader(archive)})
	return err
}

// parts writes an archive as a tar in which the chosen files come first.
func (b archive) parts(t testing.TB, first ...string) (head, tail []byte) {
	t.Helper()
	early, late := archive{}, archive{}
	for name, data := range b {
		late[name] = data
		for _, f := range first {
			if f == name {
				early[name] = data
				delete(late, name)
			}
		}
	}
	const end = 1024 // two blocks of zeros
	head = early.tar(t)
	return head[:len(head)-end], late.tar(t)
}

// A layer is unpacked when it arrives, before anybody knows what it is.
func TestArrive(t *testing.T) {
	s := newStore(t)
	r, w := io.Pipe()
	loaded := make(chan error, 1)
	go func() {
		_, err := s.Load(t.Context(), "-", LoadOptions{Stdin: r})
		loaded <- err
	}()
	head, tail := dockerArchive(t, "test:one", largeLayer(t, "a")).parts(t, "a/layer.tar")
	if _, err := w.Write(head); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if found, _ := filepath.Glob(s.path("tmp", "*", "layer*", "diff", "a")); len(found) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not unpacked while manifest.json is still to come")
		}
	}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("images: %v, %v", list, err)
	}
	if _, err := w.Write(tail); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	checkWhole(t, s)
	if list, err := s.List(); err != nil || len(list) != 1 {
		t.Errorf("images: %v, %v", list, err)
	}
}

func TestArriveForms(t *testing.T) {
	large := largeLayer(t, "a")
	small := tarOf(t, map[string]string{"b": "1"})
	layout := archive{}
	layout.index(t, as(layout.image(t, large, small), "test:one"))
	named := dockerArchive(t, "test:one", large)
	hex := digest.FromBytes(large).Encoded() + ".tar" // as podman and skopeo name it
	named[hex] = named["a/layer.tar"]
	named["manifest.json"] = bytes.Replace(named["manifest.json"], []byte("a/layer.tar"), []byte(hex), 1)
	for name, b := range map[string]archive{
		"OCI": layout, "docker": dockerArchive(t, "test:one", large, small), "podman": named,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			for range 2 { // the second time it is here already
				if err := loadStream(t, s, gzipped(t, b.tar(t))); err != nil {
					t.Fatal(err)
				}
				checkWhole(t, s)
			}
			if list, err := s.List(); err != nil || len(list) != 1 {
				t.Errorf("images: %v, %v", list, err)
			}
		})
	}
}

// One layer under two names, as an old docker's archive has it.
func TestArriveLinked(t *testing.T) {
	layer := largeLayer(t, "a")
	b := dockerArchive(t, "test:one", layer, layer)
	delete(b, "b/layer.tar")
	head, tail := b.parts(t, "a/layer.tar")
	var link bytes.Buffer
	w := tar.NewWriter(&link)
	if err := w.WriteHeader(&tar.Header{Name: "b/layer.tar", Typeflag: tar.TypeSymlink, Linkname: "../a/layer.tar"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	s := newStore(t)
	if err := loadStream(t, s, bytes.Join([][]byte{head, link.Bytes(), tail}, nil)); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, s)
}

// What is large and no layer does no harm, unless an image wants it as one.
func TestArriveOther(t *testing.T) {
	sbom := append([]byte("{"), bytes.Repeat([]byte(" "), maxConfig)...)
	hostile := largeLayer(t, "../a")
	b := dockerArchive(t, "test:one", tarOf(t, map[string]string{"a": "1"}))
	b["sbom.json"], b["hostile.tar"], b["nobody.tar"] = sbom, hostile, largeLayer(t, "a")
	s := newStore(t)
	if err := loadStream(t, s, b.tar(t)); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, s)
	if trees, err := s.Layers().List(); err != nil || len(trees) != 1 {
		t.Errorf("layers: %v, %v", trees, err)
	}

	other := largeLayer(t, "a")
	for word, tt := range map[string]struct{ says, is []byte }{
		"read tar":   {sbom, sbom},
		"unpack":     {hostile, hostile},
		"diff ID is": {tarOf(t, nil), other},
	} {
		b := dockerArchive(t, "test:two", tt.says)
		b["a/layer.tar"] = tt.is
		if err := loadStream(t, s, b.tar(t)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("got %v, want an error with %q", err, word)
		}
		checkWhole(t, s)
	}
}

// A pipe that stays silent does not keep a load from being stopped.
func TestStopWhileSilent(t *testing.T) {
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
