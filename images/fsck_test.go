package images

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/testkit"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func mustFsck(t *testing.T, s *Store) *FsckReport {
	t.Helper()
	v, err := s.Fsck(t.Context())
	testkit.Check(t, err)
	return v
}

// What two images share is verified once. A problem with a document has all names
// of its image.
func TestFsckShared(t *testing.T) {
	s := newStore(t)
	shared, own := tarOf("a", "1"), tarOf("b", "2")
	loadDocker(t, s, "a:1", shared)
	loadDocker(t, s, "b:1", shared, own)
	testkit.Check(t, s.Tag("b:1", "b:2"))
	if v := mustFsck(t, s); v.Images != 2 || v.Blobs != 6 || v.Layers != 2 || len(v.Problems)+len(v.Notes) > 0 {
		t.Errorf("%+v", v)
	}
	image := mustImage(t, s, "b:1")
	testkit.Check(t, os.WriteFile(s.blobPath(image.ID), []byte("{}"), 0o644))
	v := mustFsck(t, s)
	if len(v.Problems) != 1 || !slices.Equal(v.Problems[0].Images, []string{"b:1", "b:2"}) || len(v.Notes) > 0 {
		t.Errorf("%+v", v)
	}
}

// A blob may be valid, but not the layer of the config.
func TestFsckDiffID(t *testing.T) {
	s := newStore(t)
	b := archive{}
	right, wrong := tarOf("a", "1"), tarOf("a", "2")
	b.index(as(b.image(right), testOne))
	mustLoad(t, s, b.dir(t))

	layer := b.blob(ocispec.MediaTypeImageLayer, right)
	b.index(as(b.imageOf(configOf(wrong), layer), testOne))
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

// Fsck waits for a command that removes images.
func TestFsckWaits(t *testing.T) {
	s := newStore(t)
	loadDocker(t, s, "a:1", tarOf("a", "1"))
	release, err := s.lock("lock", lockfile.Exclusive)
	testkit.Check(t, err)
	done := make(chan error)
	go func() { _, err := s.Fsck(t.Context()); done <- err }()
	select {
	case <-done:
		t.Fatal("Fsck did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	release()
	testkit.Check(t, <-done)
}
