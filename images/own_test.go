package images

import (
	"io/fs"
	"os"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestStoreDirectoriesArePrivate: other users list no directory of the store, and enter
// only those that lead to names and configs.
func TestStoreDirectoriesArePrivate(t *testing.T) {
	s := newStore(t)
	loadDocker(t, s, "a", tarOf("a", "1"))
	testkit.Check(t, fs.WalkDir(os.DirFS(s.root), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		want := fs.FileMode(0o700)
		switch path {
		case ".", "blobs", "blobs/sha256":
			want = 0o711
		}
		info, err := d.Info()
		testkit.Check(t, err)
		testkit.Equal(t, path, info.Mode().Perm(), want)
		if want == 0o700 {
			return fs.SkipDir // what is below is not reachable
		}
		return nil
	}))
}

// TestForeignBlobsStay: prune removes no file that is not named by a digest, and a root
// with characters of a pattern hides no container from it.
func TestForeignBlobsStay(t *testing.T) {
	s, err := Open(t.TempDir() + "/[a]*")
	testkit.Check(t, err)
	loadDocker(t, s, "a", tarOf("a", "1"))
	image := mustImage(t, s, "a")
	testkit.Files(t, s.root, map[string]string{
		"blobs/sha256/note": "kept", "layers/sha256/note/file": "kept",
		"containers/" + testkit.Hex("c") + "/image": image.Manifest.String() + "\n",
	})
	_, err = s.Prune(true, nil)
	testkit.Check(t, err)
	mustImage(t, s, "a")
	for _, path := range []string{"blobs/sha256/note", "layers/sha256/note/file"} {
		testkit.Equal(t, path, testkit.ReadFile(t, s.path(path)), "kept")
	}
}
