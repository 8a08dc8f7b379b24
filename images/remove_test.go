package images

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// A layer that two images share is removed with the second of them.
func TestRemove(t *testing.T) {
	s := newStore(t)
	shared, own := tarOf("s", "1"), tarOf("o", "1")
	loadDocker(t, s, "test:one", shared, own)
	loadDocker(t, s, "test:two", shared)
	one := mustImage(t, s, "test:one")
	lines, err := s.Remove("test:one")
	testkit.Check(t, err)
	want := []string{"Untagged: test:one", "Deleted: " + one.ID.String(), "Deleted: " + one.Layers[1].String()}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	if !s.Layers().Has(one.Layers[0]) || s.Layers().Has(one.Layers[1]) {
		t.Error("the wrong layer was removed")
	}
	checkWhole(t, s)
	_, err = s.Remove("test:two")
	testkit.Check(t, err)
	checkWhole(t, s)
	wantNone(t, s, "blobs/sha256/*", "layers/sha256/*", "layers/????????", "tmp/*")
}

// One of several names can always be removed; all of them by ID, with force.
func TestRemoveNames(t *testing.T) {
	s := newStore(t)
	layer := tarOf("a", "1")
	for _, name := range []string{"a:1", "b:1", "c:1"} {
		loadDocker(t, s, name, layer)
	}
	image := mustImage(t, s, "a:1")
	if lines, err := s.Remove("b:1"); err != nil || !slices.Equal(lines, []string{"Untagged: b:1"}) {
		t.Errorf("b: %q, %v", lines, err)
	}
	id := image.ID.Encoded()[:12]
	_, err := s.Remove(id)
	testkit.WantError(t, "by ID", err, "several names")
	if lines, err := s.ForceRemove(id); err != nil || len(lines) != 4 {
		t.Errorf("by force: %q, %v", lines, err)
	}
	wantImages(t, s, 0)
}

// An image that a container uses stays without a name.
func TestRemoveUsed(t *testing.T) {
	s := newStore(t)
	layer := tarOf("a", "1")
	loadDocker(t, s, "a:1", layer)
	loadDocker(t, s, "b:1", layer)
	image := mustImage(t, s, "a:1")
	container := s.path("containers", "c1")
	testkit.Check(t, os.MkdirAll(container, 0o700))
	text := []byte(image.Manifest.String() + "\n")
	testkit.Check(t, os.WriteFile(filepath.Join(container, "image"), text, 0o600))
	if _, err := s.Remove("a:1"); err != nil {
		t.Errorf("one of two names: %v", err)
	}
	_, err := s.Remove("b:1")
	testkit.WantError(t, "the last name", err, "container c1")
	if lines, err := s.ForceRemove("b:1"); err != nil || !slices.Equal(lines, []string{"Untagged: b:1"}) {
		t.Errorf("by force: %q, %v", lines, err)
	}
	if !s.Layers().Has(image.Layers[0]) {
		t.Error("its layer was removed")
	}
	checkWhole(t, s)
	testkit.Check(t, os.RemoveAll(container))
	if _, err := s.Remove(image.ID.String()); err != nil || s.Layers().Has(image.Layers[0]) {
		t.Errorf("after the container: %v", err)
	}
}
