package images

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/lockfile"
)

func mustFsck(t *testing.T, s *Store) *FsckReport {
	t.Helper()
	v, err := s.Fsck(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What two images share is verified once, and a problem with a document of one
// names all that need it.
func TestFsckShared(t *testing.T) {
	s := newStore(t)
	shared, own := tarOf(t, map[string]string{"a": "1"}), tarOf(t, map[string]string{"b": "2"})
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "a:1", shared).tar(t)))
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "b:1", shared, own).tar(t)))
	if err := s.Tag("b:1", "b:2"); err != nil {
		t.Fatal(err)
	}
	if v := mustFsck(t, s); v.Images != 2 || v.Blobs != 6 || v.Layers != 2 || len(v.Problems)+len(v.Notes) > 0 {
		t.Errorf("%+v", v)
	}
	image, err := s.Image("b:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.blobPath(image.ID), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	v := mustFsck(t, s)
	if len(v.Problems) != 1 || !slices.Equal(v.Problems[0].Images, []string{"b:1", "b:2"}) || len(v.Notes) > 0 {
		t.Errorf("%+v", v)
	}
}

// A blob may be all that its name says, and yet not the layer that the config
// means.
func TestFsckDiffID(t *testing.T) {
	s := newStore(t)
	b := archive{}
	right, wrong := tarOf(t, map[string]string{"a": "1"}), tarOf(t, map[string]string{"a": "2"})
	b.index(t, as(b.image(t, right), testOne))
	mustLoad(t, s, b.dir(t))

	config := b.json(t, "application/vnd.oci.image.config.v1+json", configOf(wrong))
	layer := b.blob("application/vnd.oci.image.layer.v1.tar", right)
	manifest := b.json(t, "application/vnd.oci.image.manifest.v1+json", manifestOf(config, layer))
	b.index(t, as(manifest, testOne))
	dir := b.dir(t)
	if out := shell(t, dir, "cp index.json "+s.root+"; cp blobs/sha256/* "+s.root+"/blobs/sha256"); out != "" {
		t.Fatal(out)
	}
	v := mustFsck(t, s)
	if !slices.ContainsFunc(v.Problems, func(f Finding) bool {
		return strings.HasPrefix(f.What, "diff ID is "+layer.Digest.String())
	}) {
		t.Errorf("%+v", v)
	}
}

// Fsck waits for who removes.
func TestFsckWaits(t *testing.T) {
	s := newStore(t)
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "a:1", tarOf(t, map[string]string{"a": "1"})).tar(t)))
	release, err := s.lock("lock", lockfile.Exclusive)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { _, err := s.Fsck(t.Context()); done <- err }()
	select {
	case <-done:
		t.Fatal("it did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	release()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
