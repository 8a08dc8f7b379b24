package images

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// damages are the ways to damage a file.
var damages = map[string]func(path string) error{
	"empty":    func(path string) error { return os.Truncate(path, 0) },
	"half":     func(path string) error { return os.Truncate(path, fileSize(path)/2) },
	"nonsense": func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte{7}, 100), 0o600) },
	"missing":  os.Remove,
	"one byte": func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data[len(data)/2] ^= 0x80
		return os.WriteFile(path, data, 0o600)
	},
	"a directory": func(path string) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Mkdir(path, 0o700)
	},
}

func fileSize(path string) int64 {
	st, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	return st.Size()
}

// A damagedStore has the images bad:1 and good:1, which share a layer, and a file of bad:1
// that is damaged.
type damagedStore struct {
	*Store
	file string
	bad  *Image
}

// damagedFiles are the files of bad:1, or of the store, by what they are.
var damagedFiles = map[string]func(s *damagedStore) string{
	"index.json": func(s *damagedStore) string { return s.path("index.json") },
	"oci-layout": func(s *damagedStore) string { return s.path("oci-layout") },
	"manifest":   func(s *damagedStore) string { return s.blobPath(s.bad.Manifest) },
	"config":     func(s *damagedStore) string { return s.blobPath(s.bad.ID) },
	"blob":       func(s *damagedStore) string { return s.blobPath(s.bad.blobs[1].Digest) },
	"size": func(s *damagedStore) string {
		return filepath.Join(filepath.Dir(s.layers.Path(s.bad.Layers[1])), "size")
	},
	"index": func(s *damagedStore) string {
		return filepath.Join(filepath.Dir(s.layers.Path(s.bad.Layers[1])), indexFile)
	},
	"link": func(s *damagedStore) string { return filepath.Join(s.layers.Dir(), s.layers.Short(s.bad.Layers[1])) },
}

// badArchive is the image bad:1.
func badArchive(t *testing.T) string {
	t.Helper()
	return writeTemp(t, dockerArchive("bad:1", tarOf("shared", "1"), tarOf("bad", strings.Repeat("2", 2000))).tar())
}

// eachDamage calls check with a store for each file and damage.
func eachDamage(t *testing.T, check func(t *testing.T, s *damagedStore, file, damage string)) {
	t.Helper()
	if testing.Short() {
		t.Skip("damages each file of a store in six ways")
	}
	whole := newStore(t)
	mustLoad(t, whole, badArchive(t))
	loadDocker(t, whole, "good:1", tarOf("shared", "1"), tarOf("good", "3"))
	for file, path := range damagedFiles {
		for damage, do := range damages {
			if file == "link" && damage != "missing" && damage != "a directory" ||
				file == "index.json" && damage == "one byte" { // of a name, perhaps
				continue
			}
			t.Run(file+", "+damage, func(t *testing.T) {
				root := filepath.Join(t.TempDir(), "store")
				testkit.Check(t, exec.Command("cp", "-a", whole.root, root).Run())
				store, err := Open(root)
				testkit.Check(t, err)
				s := &damagedStore{Store: store, bad: mustImage(t, store, "bad:1")}
				s.file = path(s)
				testkit.Check(t, do(s.file))
				check(t, s, file, damage)
			})
		}
	}
}

// ours reports whether fsck --repair may remove what lies there now, and load replace it.
func (s *damagedStore) ours() bool {
	st, err := os.Lstat(s.file)
	return err != nil || !st.IsDir()
}

// What is damaged hinders no other image, and nothing of the damaged one is deleted.
func TestDamageHindersNoOtherImage(t *testing.T) {
	eachDamage(t, func(t *testing.T, s *damagedStore, file, damage string) {
		if file == "index.json" { // it has the names of all
			for _, do := range []func() error{
				func() error { _, err := s.List(); return err },
				func() error { _, err := s.Load(t.Context(), badArchive(t), LoadOptions{}); return err },
				func() error { _, err := s.Prune(true, nil); return err },
			} {
				testkit.WantError(t, "with a damaged index", do(), "index.json")
			}
			return
		}
		list, err := s.List()
		if !slices.ContainsFunc(list, func(i *Image) bool { return strings.HasSuffix(i.Name, "/good:1") }) {
			t.Errorf("good:1 is not listed: %v", err)
		}
		if isDocument := file == "manifest" || file == "config"; (err != nil) != isDocument {
			t.Errorf("list: %v", err)
		} else if isDocument {
			testkit.WantError(t, "list", err, "image bad:1 is damaged")
		}
		wantFile(t, s.Store, mustImage(t, s.Store, "good:1"), "/good", "3")
		testkit.Check(t, s.Save(t.Context(), io.Discard, SaveOptions{Format: DockerArchive}, "good:1"))
		if err := s.Save(t.Context(), io.Discard, SaveOptions{Format: DockerArchive}, "bad:1"); (err != nil) !=
			(file == "manifest" || file == "config" || file == "blob") {
			t.Errorf("save the damaged image: %v", err)
		}
		loadDocker(t, s.Store, "other:1", tarOf("other", "4"))
		if _, err := s.Remove("other:1"); err != nil {
			t.Error(err)
		}
		if _, err := s.Prune(false, nil); err != nil {
			t.Error(err)
		}
		for _, l := range s.bad.Layers {
			if st, err := os.Stat(s.layers.Path(l)); err != nil || !st.IsDir() {
				t.Errorf("a layer of the damaged image is gone: %v", err)
			}
		}
	})
}

// Loading an image again repairs it in place, but for a byte in a layer, which load does
// not look for.
func TestLoadRepairs(t *testing.T) {
	eachDamage(t, func(t *testing.T, s *damagedStore, file, damage string) {
		if file == "index.json" || file == "oci-layout" || !s.ours() || file == "blob" && damage == "one byte" {
			return
		}
		mustLoad(t, s.Store, badArchive(t))
		wantSound(t, s.Store)
		wantFile(t, s.Store, mustImage(t, s.Store, "bad:1"), "/bad", strings.Repeat("2", 2000))
	})
}

// Repair removes the damaged image alone, and the store is sound. A directory in place of
// a file is not minictr's.
func TestRepair(t *testing.T) {
	eachDamage(t, func(t *testing.T, s *damagedStore, file, damage string) {
		if !s.ours() && file != "index.json" && file != "oci-layout" {
			s.Repair(t.Context())
			if _, err := os.Stat(s.file); err != nil && file != "size" && file != indexFile {
				t.Errorf("a directory that is not minictr's: %v", err)
			}
			return
		}
		done, err := s.Repair(t.Context())
		if !s.ours() {
			return
		}
		testkit.Check(t, err)
		wantSound(t, s.Store)
		list, err := s.List()
		testkit.Check(t, err)
		switch {
		case file == "index.json":
			testkit.Equal(t, "images without names", len(list), 2)
		case file == "oci-layout" || file == indexFile:
			testkit.Equal(t, "images", len(list), 2)
		case len(list) != 1 || len(done) != 1 || !strings.Contains(done[0].What, "removed image bad:1") ||
			!strings.Contains(done[0].Hint, "minictr pull bad:1"):
			t.Errorf("%d images, %+v", len(list), done)
		}
		mustLoad(t, s.Store, badArchive(t))
		wantSound(t, s.Store)
	})
}

// Repair takes nothing away from a container: the layers that it runs on stay.
func TestRepairKeepsLayersInUse(t *testing.T) {
	eachDamage(t, func(t *testing.T, s *damagedStore, file, damage string) {
		if !s.ours() {
			return
		}
		box := s.path("containers", strings.Repeat("a", 64))
		testkit.Check(t, os.MkdirAll(box, 0o700))
		testkit.Check(t, os.WriteFile(filepath.Join(box, "image"), []byte(s.bad.Manifest), 0o600))
		done, err := s.Repair(t.Context())
		testkit.Check(t, err)
		for _, l := range s.bad.Layers {
			if st, err := os.Stat(s.layers.Path(l)); err != nil || !st.IsDir() {
				t.Errorf("a layer in use is gone: %v, %+v", err, done)
			}
		}
		mustLoad(t, s.Store, badArchive(t))
		wantSound(t, s.Store)
	})
}
