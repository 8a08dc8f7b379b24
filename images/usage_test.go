package images

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestDiskUsage: the sizes are those on disk, what two images share counts once, and what
// is reclaimable is what prune frees.
func TestDiskUsage(t *testing.T) {
	s := newStore(t)
	bottom := tarOf("a", "12345")
	one, two := tarOf("b", "1"), tarOf("c", "22")
	for name, top := range map[string][]byte{"test:one": one, "test:two": two} {
		mustLoad(t, s, writeTemp(t, dockerArchive(name, bottom, top).tar()))
	}
	testkit.Check(t, s.Tag("test:one", "test:again"))
	used := mustImage(t, s, "test:two")
	dir := s.path("containers", "c1")
	testkit.Check(t, os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "image"), []byte(used.Manifest), 0o600))

	u, err := DiskUsage(s)
	testkit.Check(t, err)
	onDisk, err := diskUsage(s)
	testkit.Check(t, err)
	testkit.Equal(t, "size", u.Size, onDisk)
	testkit.Equal(t, "images", len(u.Images), 2)
	testkit.Equal(t, "active", u.Active, 1)
	unique := int64(0)
	shared := int64(len(bottom)) + 5 // the blob, and the file in the layer
	for _, image := range u.Images {
		testkit.Equal(t, "shared by "+image.Name, image.Shared, shared)
		testkit.Equal(t, "size of "+image.Name, image.Size, image.Shared+image.Unique)
		unique += image.Unique
		if image.Containers == 0 {
			testkit.Equal(t, "reclaimable", u.Reclaimable, image.Unique)
		}
	}
	testkit.Equal(t, "size of both", u.Size, unique+shared)
	pruned, err := s.Prune(true, nil)
	testkit.Check(t, err)
	testkit.Equal(t, "freed", pruned.Freed, u.Reclaimable)
}

// TestDiskUsageBesideDamage: a damaged image is named, and the others are counted.
func TestDiskUsageBesideDamage(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"test:one", "test:two"} {
		mustLoad(t, s, writeTemp(t, dockerArchive(name, tarOf(name, "1")).tar()))
	}
	bad := mustImage(t, s, "test:one").Manifest
	testkit.Check(t, os.WriteFile(s.blobPath(bad), nil, 0o644))
	u, err := DiskUsage(s)
	testkit.WantError(t, "damage", err, "image test:one is damaged")
	testkit.Equal(t, "images", len(u.Images), 1)
}
