package images

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// One image, in every form it may come in.
func TestForms(t *testing.T) {
	bottom, top := tarOf(t, map[string]string{"a": "1", "b": "1"}), tarOf(t, map[string]string{"a": "2"})
	layout := archive{}
	layout.index(t, as(layout.image(t, bottom, top), "docker.io/library/test:one"))
	docker := dockerArchive(t, "test:one", bottom, top)
	both := archive{}
	both.index(t, as(both.image(t, bottom, top), "test:one"))
	for name, data := range docker {
		both[name] = data
	}
	for name, data := range map[string][]byte{
		"OCI": layout.tar(t), "docker": docker.tar(t), "docker and OCI": both.tar(t),
		"OCI, gzip": gzipped(t, layout.tar(t)), "docker, zstd": zstandard(t, docker.tar(t)),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			checkTestOne(t, s, mustLoad(t, s, writeTemp(t, data)))
		})
		t.Run(name+", from a pipe", func(t *testing.T) {
			s := newStore(t)
			names, err := s.Load(t.Context(), "-", LoadOptions{Stdin: bytes.NewReader(data)})
			if err != nil {
				t.Fatal(err)
			}
			checkTestOne(t, s, names)
		})
	}
	t.Run("OCI directory", func(t *testing.T) {
		s := newStore(t)
		checkTestOne(t, s, mustLoad(t, s, layout.dir(t)))
	})
}

func checkTestOne(t *testing.T, s *Store, names []string) {
	t.Helper()
	if want := []string{"docker.io/library/test:one"}; !slices.Equal(names, want) {
		t.Fatalf("loaded %q, want %q", names, want)
	}
	image, err := s.Image("test:one")
	if err != nil {
		t.Fatal(err)
	}
	if len(image.Layers) != 2 || image.Size != 3 {
		t.Errorf("%d layers, %d bytes", len(image.Layers), image.Size)
	}
	f, err := s.Layers().Open(image.Layers, "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); string(text) != "2" || err != nil {
		t.Errorf("/a has %q, %v", text, err)
	}
	checkWhole(t, s)
}

// checkWhole holds the store against its own rules: every blob is what its
// name says, every image has its layers, nothing is left in tmp, and modes are
// as the package's comment has them.
func checkWhole(t *testing.T, s *Store) {
	t.Helper()
	blobs, err := filepath.Glob(s.path("blobs", "sha256", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range blobs {
		data, err := os.ReadFile(path)
		if err != nil || digest.FromBytes(data).Encoded() != filepath.Base(path) {
			t.Errorf("blob %s is not what its name says (%v)", path, err)
		}
	}
	list, err := s.List()
	if err != nil {
		t.Error(err)
	}
	for _, image := range list {
		for _, l := range image.Layers {
			if !s.Layers().Has(l) {
				t.Errorf("%s: layer %s is missing", image.Name, l)
			}
		}
	}
	if left, _ := filepath.Glob(s.path("tmp", "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	for path, mode := range map[string]fs.FileMode{"": 0o711, "layers": 0o700, "tmp": 0o700, "index.json": 0o644, "blobs/sha256": 0o755} {
		if st, err := os.Stat(s.path(path)); err == nil && st.Mode().Perm() != mode {
			t.Errorf("%q has mode %o, want %o", path, st.Mode().Perm(), mode)
		}
	}
}

// An old docker's archive may have a layer twice, the second a link.
func TestLinkedLayer(t *testing.T) {
	layer := tarOf(t, map[string]string{"a": "1"})
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for name, data := range dockerArchive(t, "test:one", layer, layer) {
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}
		if name == "b/layer.tar" {
			*h, data = tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: "../a/layer.tar"}, nil
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s := newStore(t)
	mustLoad(t, s, writeTemp(t, buf.Bytes()))
	checkWhole(t, s)
}

// Of an index for several platforms, this machine's image is taken, and the
// blobs of the others need not be there.
func TestPlatforms(t *testing.T) {
	here := &ocispec.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH}
	b := archive{}
	mine := b.image(t, tarOf(t, map[string]string{"mine": "1"}))
	mine.Platform = here
	other := describe(ocispec.MediaTypeImageManifest, []byte("not here"))
	other.Platform = &ocispec.Platform{OS: "plan9", Architecture: "mips"}
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{other, mine}}
	index.SchemaVersion = 2
	b.index(t, as(b.json(t, ocispec.MediaTypeImageIndex, index), "test:one"))
	s := newStore(t)
	mustLoad(t, s, b.dir(t))
	image, err := s.Image("test:one")
	if err != nil || image.Manifest != mine.Digest {
		t.Errorf("got %+v, %v", image, err)
	}

	index.Manifests = []ocispec.Descriptor{other}
	b.index(t, as(b.json(t, ocispec.MediaTypeImageIndex, index), "test:one"))
	if _, err := s.Load(t.Context(), b.dir(t), LoadOptions{}); err == nil || !strings.Contains(err.Error(), "plan9/mips") {
		t.Errorf("got %v", err)
	}
}

// A name that moves to another image leaves the first without one.
func TestRetag(t *testing.T) {
	s := newStore(t)
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "test:one", tarOf(t, map[string]string{"a": "1"})).tar(t)))
	first, err := s.Image("test:one")
	if err != nil {
		t.Fatal(err)
	}
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "test:one", tarOf(t, map[string]string{"a": "2"})).tar(t)))
	second, err := s.Image("test:one")
	if err != nil || second.ID == first.ID {
		t.Fatal(second, err)
	}
	if old, err := s.Image(first.ID.Encoded()[:12]); err != nil || old.Name != "" || old.Size != 1 {
		t.Errorf("the first image: %+v, %v", old, err)
	}
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "test:two", tarOf(t, map[string]string{"a": "1"})).tar(t)))
	if list, err := s.List(); err != nil || len(list) != 2 {
		t.Errorf("%d images, want the two with names (%v)", len(list), err)
	}
	checkWhole(t, s)
}

// What is wrong with an archive is told, and nothing of it is seen.
func TestNothingHalfLoaded(t *testing.T) {
	good, bad := tarOf(t, map[string]string{"a": "1"}), tarOf(t, map[string]string{"../a": "1"})
	b := archive{}
	b.index(t, as(b.image(t, good), "good:one"), as(b.image(t, good, bad), "bad:one"))
	s := newStore(t)
	if _, err := s.Load(t.Context(), b.dir(t), LoadOptions{}); err == nil {
		t.Fatal("no error")
	}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("images: %v, %v", list, err)
	}
	if trees, _ := s.Layers().List(); len(trees) != 0 {
		t.Errorf("layers: %v", trees)
	}
	checkWhole(t, s)
}

// A second load of known layers unpacks nothing, and one load at a time or
// many makes no difference.
func TestTwoAtOnce(t *testing.T) {
	s := newStore(t)
	var wait sync.WaitGroup
	for i := range 8 {
		shared := tarOf(t, map[string]string{"shared": strings.Repeat("x", 1<<16)})
		own := tarOf(t, map[string]string{"own": fmt.Sprint(i % 3)})
		path := writeTemp(t, dockerArchive(t, fmt.Sprintf("test:%d", i), shared, own).tar(t))
		wait.Go(func() {
			if _, err := s.Load(t.Context(), path, LoadOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if list, err := s.List(); err != nil || len(list) != 8 {
		t.Errorf("%d images, %v", len(list), err)
	}
	checkWhole(t, s)
}

// Whatever loads and removals do at once, the store stays whole.
func TestLoadAndRemoveAtOnce(t *testing.T) {
	s := newStore(t)
	path := writeTemp(t, dockerArchive(t, "test:one", tarOf(t, map[string]string{"a": "1"}), tarOf(t, map[string]string{"b": "1"})).tar(t))
	mustLoad(t, s, path)
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			for range 15 {
				if _, err := s.Load(t.Context(), path, LoadOptions{}); err != nil {
					t.Error(err)
				}
			}
		})
		wait.Go(func() {
			for range 15 {
				if _, err := s.Remove("test:one"); err != nil && !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	checkWhole(t, s)
	checkNoOrphans(t, s)
	mustLoad(t, s, path)
	checkWhole(t, s)
}

// A load that dies leaves its scratch directory; the next one removes it, and
// does not touch that of a load that lives.
func TestSweep(t *testing.T) {
	s := newStore(t)
	if err := s.create(); err != nil {
		t.Fatal(err)
	}
	dead := s.path("tmp", "dead")
	if err := os.MkdirAll(filepath.Join(dead, "layer0", "diff"), 0o700); err != nil {
		t.Fatal(err)
	}
	alive, err := s.scratch()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the dead one's directory: %v", err)
	}
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "a", tarOf(t, nil)).tar(t)))
	if _, err := os.Stat(alive.path); err != nil {
		t.Errorf("the living one's directory: %v", err)
	}
	if err := alive.close(); err != nil {
		t.Error(err)
	}
}

// Blobs and layers that a crash left, just before the index was written, go
// with the next load; but not while another load may have renamed them.
func TestTidy(t *testing.T) {
	s := newStore(t)
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "a", tarOf(t, map[string]string{"a": "1"})).tar(t)))
	orphan, err := s.Image("a")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.path("index.json")); err != nil {
		t.Fatal(err)
	}
	other := writeTemp(t, dockerArchive(t, "b", tarOf(t, nil)).tar(t))
	release, err := s.Hold()
	if err != nil {
		t.Fatal(err)
	}
	mustLoad(t, s, other)
	if !s.Layers().Has(orphan.Layers[0]) {
		t.Error("gone while others may need it")
	}
	release()
	mustLoad(t, s, other)
	checkNoOrphans(t, s)
	checkWhole(t, s)
	if s.Layers().Has(orphan.Layers[0]) {
		t.Error("the orphan is still there")
	}
}

// checkNoOrphans fails where something lies in the store that no image needs.
func checkNoOrphans(t *testing.T, s *Store) {
	t.Helper()
	blobs, trees, err := s.reachable()
	if err != nil {
		t.Fatal(err)
	}
	for pattern, want := range map[string]int{"blobs/sha256/*": len(blobs), "layers/sha256/*": len(trees), "layers/????????": len(trees)} {
		if found, _ := filepath.Glob(s.path(pattern)); len(found) != want {
			t.Errorf("%s: %d, want %d: %q", pattern, len(found), want, found)
		}
	}
}

// A full disk is an error, and the store is as it was. The disk is a small
// tmpfs in a mount namespace, where this test runs itself again.
func TestDiskFull(t *testing.T) {
	needRoot(t)
	root := os.Getenv("MINICTR_TEST_SMALL_DISK")
	if root == "" {
		again := exec.Command(os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
		again.Env = append(os.Environ(), "MINICTR_TEST_SMALL_DISK="+t.TempDir())
		again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
		if out, err := again.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS")) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	archive := writeTemp(t, dockerArchive(t, "big", tarOf(t, map[string]string{"a": strings.Repeat("x", 128<<10), "b": "1"})).tar(t))
	loaded := false
	for size := 32 << 10; !loaded; size += 4 << 10 {
		if err := unix.Mount("tmpfs", root, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
			t.Fatal(err)
		}
		loaded = loadToFullDisk(t, root, archive)
		if err := unix.Unmount(root, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// loadToFullDisk tells whether the disk was large enough.
func loadToFullDisk(t *testing.T, root, archive string) bool {
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	_, failed := s.Load(t.Context(), archive, LoadOptions{})
	if failed != nil && (!errors.Is(failed, unix.ENOSPC) || !strings.Contains(failed.Error(), archive)) {
		t.Errorf("got %v", failed)
	}
	list, err := s.List()
	if err != nil || (len(list) == 1) != (failed == nil) {
		t.Errorf("%d images after: %v (%v)", len(list), failed, err)
	}
	checkWhole(t, s)
	if failed != nil {
		mustLoad(t, s, writeTemp(t, dockerArchive(t, "small").tar(t)))
		checkWhole(t, s)
	}
	return failed == nil
}

// The store can be read without root.
func TestReadable(t *testing.T) {
	s := newStore(t)
	mustLoad(t, s, writeTemp(t, dockerArchive(t, "test:one", tarOf(t, map[string]string{"a": "1"})).tar(t)))
	for _, pattern := range []string{"index.json", "oci-layout"} {
		if st, err := os.Stat(s.path(pattern)); err != nil || st.Mode().Perm()&0o004 == 0 {
			t.Errorf("%s: %v, %v", pattern, st, err)
		}
	}
	image, err := s.Image("test:one")
	if err != nil {
		t.Fatal(err)
	}
	for d, readable := range map[digest.Digest]bool{image.ID: true, image.Manifest: true, image.Layers[0]: false} {
		st, err := os.Stat(s.blobPath(d))
		if err != nil || (st.Mode().Perm()&0o044 != 0) != readable {
			t.Errorf("blob %s: mode %v, want readable: %v (%v)", d, st.Mode(), readable, err)
		}
	}
}

// A store that is not there is empty, and is not made by looking.
func TestEmpty(t *testing.T) {
	root := filepath.Join(t.TempDir(), "none")
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	if _, err := s.Image("ubuntu"); !errors.Is(err, ErrNotFound) {
		t.Errorf("image: %v", err)
	}
	if _, err := s.Remove("ubuntu"); !errors.Is(err, ErrNotFound) {
		t.Errorf("remove: %v", err)
	}
	if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("root: %v", err)
	}
}
