package images

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A layer that two images share goes with the second of them.
func TestRemove(t *testing.T) {
	s := newStore(t)
	shared, own := tarOf(t, map[string]string{"s": "1"}), tarOf(t, map[string]string{"o": "1"})
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "test:one", shared, own).tar(t)))
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "test:two", shared).tar(t)))
	one, err := s.Image("test:one")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := s.Remove("test:one")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Untagged: test:one", "Deleted: " + one.ID.String(), "Deleted: " + one.Layers[1].String()}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	if !s.Layers().Has(one.Layers[0]) || s.Layers().Has(one.Layers[1]) {
		t.Error("the wrong layer went")
	}
	checkWhole(t, s)
	if _, err := s.Remove("test:two"); err != nil {
		t.Fatal(err)
	}
	checkWhole(t, s)
	for _, pattern := range []string{"blobs/sha256/*", "layers/sha256/*", "layers/????????", "tmp/*"} {
		if left, _ := filepath.Glob(s.path(pattern)); len(left) > 0 {
			t.Errorf("left: %q", left)
		}
	}
}

// Of several names one can always go; by ID all go, but only by force.
func TestRemoveNames(t *testing.T) {
	s := newStore(t)
	layer := tarOf(t, map[string]string{"a": "1"})
	for _, name := range []string{"a:1", "b:1", "c:1"} {
		mustLoad(t, s, writeTemp(t, dockerArchive(t, name, layer).tar(t)))
	}
	image, err := s.Image("a:1")
	if err != nil {
		t.Fatal(err)
	}
	if lines, err := s.Remove("b:1"); err != nil || !slices.Equal(lines, []string{"Untagged: b:1"}) {
		t.Errorf("b: %q, %v", lines, err)
	}
	id := image.ID.Encoded()[:12]
	if _, err := s.Remove(id); err == nil || !strings.Contains(err.Error(), "several names") {
		t.Errorf("by ID: %v", err)
	}
	if lines, err := s.ForceRemove(id); err != nil || len(lines) != 4 {
		t.Errorf("by force: %q, %v", lines, err)
	}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

// An image from which a container was made stays, whatever becomes of its
// names.
func TestRemoveUsed(t *testing.T) {
	s := newStore(t)
	layer := tarOf(t, map[string]string{"a": "1"})
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "a:1", layer).tar(t)))
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "b:1", layer).tar(t)))
	image, err := s.Image("a:1")
	if err != nil {
		t.Fatal(err)
	}
	container := s.path("containers", "c1")
	if err := os.MkdirAll(container, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(container, "image"), []byte(image.Manifest.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Remove("a:1"); err != nil {
		t.Errorf("one of two names: %v", err)
	}
	if _, err := s.Remove("b:1"); err == nil || !strings.Contains(err.Error(), "container c1") {
		t.Errorf("the last name: %v", err)
	}
	if lines, err := s.ForceRemove("b:1"); err != nil || !slices.Equal(lines, []string{"Untagged: b:1"}) {
		t.Errorf("by force: %q, %v", lines, err)
	}
	if !s.Layers().Has(image.Layers[0]) {
		t.Error("its layer went")
	}
	checkWhole(t, s)
	if err := os.RemoveAll(container); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Remove(image.ID.String()); err != nil || s.Layers().Has(image.Layers[0]) {
		t.Errorf("after the container: %v", err)
	}
}
