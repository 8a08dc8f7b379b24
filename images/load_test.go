package images

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// One image in each form of an archive.
func TestArchiveForms(t *testing.T) {
	bottom, top := tarOf("a", "1", "b", "1"), tarOf("a", "2")
	layout := archive{}
	layout.index(as(layout.image(bottom, top), "docker.io/library/test:one"))
	docker := dockerArchive("test:one", bottom, top)
	both := maps.Clone(docker)
	both.index(as(both.image(bottom, top), "test:one"))
	for name, data := range map[string][]byte{
		"OCI": layout.tar(), "docker": docker.tar(), "docker and OCI": both.tar(),
		"OCI, gzip": testkit.Gzip(layout.tar()), "docker, zstd": zstandard(docker.tar()),
		"OCI, xz": testkit.Filter(t, layout.tar(), "xz"), "docker, bzip2": testkit.Filter(t, docker.tar(), "bzip2"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			checkTestOne(t, s, mustLoad(t, s, writeTemp(t, data)))
		})
		t.Run(name+", from a pipe", func(t *testing.T) {
			s := newStore(t)
			names, err := s.Load(t.Context(), "-", LoadOptions{Stdin: bytes.NewReader(data)})
			testkit.Check(t, err)
			checkTestOne(t, s, names)
		})
	}
	t.Run("OCI directory", func(t *testing.T) {
		s := newStore(t)
		checkTestOne(t, s, mustLoad(t, s, layout.dir(t)))
	})
}

// Every media type of a layer that image-spec or docker had is known.
func TestLayerMediaTypes(t *testing.T) {
	layer := tarOf("a", "1")
	for _, mediaType := range layerMediaTypes {
		data := layer
		switch {
		case strings.HasSuffix(mediaType, "gzip"):
			data = testkit.Gzip(layer)
		case strings.HasSuffix(mediaType, "zstd"):
			data = zstandard(layer)
		}
		b := archive{}
		b.index(as(b.imageOf(configOf(layer), b.blob(mediaType, data)), "test:one"))
		s := newStore(t)
		mustLoad(t, s, b.dir(t))
		wantFile(t, s, mustImage(t, s, "test:one"), "/a", "1")
		checkWhole(t, s)
	}
}

// The bytes of a blob may be in its descriptor (image-spec, descriptor.md, "data"), and
// those of a layer only elsewhere.
func TestBlobElsewhere(t *testing.T) {
	layer := tarOf("a", "1")
	b := archive{}
	blob := b.blob(ocispec.MediaTypeImageLayer, layer)
	blob.URLs = []string{"https://example.com/layer"}
	missing := b.imageOf(configOf(layer), blob)
	delete(b, blobFile(blob.Digest))
	s := newStore(t)
	_, err := s.Load(t.Context(), b.index(missing).dir(t), LoadOptions{})
	testkit.WantError(t, "missing", err, "layer 1 of 1")
	testkit.WantError(t, "missing", err, "not in the archive, which says where it is: https://example.com/layer")

	b = archive{}
	blob.Data = layer
	manifest := b.imageOf(configOf(layer), blob)
	manifest.Data = b[blobFile(manifest.Digest)]
	delete(b, blobFile(manifest.Digest))
	b.index(as(manifest, "test:one"))
	src := writeTemp(t, testkit.Gzip(b.tar()))
	mustLoad(t, s, src)
	wantFile(t, s, mustImage(t, s, "test:one"), "/a", "1")
	checkWhole(t, s)
	for range 2 { // the second time from the cache
		indexesOf(t, openImage(t, src, t.TempDir()))
	}

	blob.Data = []byte("other")
	s = newStore(t)
	b = archive{}
	if _, err := s.Load(t.Context(), b.index(b.imageOf(configOf(layer), blob)).dir(t), LoadOptions{}); err == nil {
		t.Error("other data are loaded")
	}
}

// An error says which image and layer of an archive is meant, and what is wrong with it.
func TestLoadErrorsNameTheLayer(t *testing.T) {
	layer := tarOf("a", "1")
	docker := func(item dockerItem) archive {
		b := dockerArchive("a", layer)
		b["manifest.json"] = encode([]dockerItem{item})
		return b
	}
	corrupt := archive{}
	corrupt.index(corrupt.image(layer, tarOf("b", "2")))
	blob := blobFile(corrupt.blob("", testkit.Gzip(layer)).Digest)
	corrupt[blob] = append(slices.Clone(corrupt[blob][:60]), 'x')
	const first = "manifest.json: image 1 of 1: "
	for want, b := range map[string]archive{
		first + "layer 1 of 1 names no file": docker(dockerItem{Config: "config.json", Layers: []string{""}}),
		first + "config names no file":       docker(dockerItem{Layers: []string{"a/layer.tar"}}),
		first + "layer 1 of 1: open none: ":  docker(dockerItem{Config: "config.json", Layers: []string{"none"}}),

		"layer 1 of 2, " + blob + ": blob is corrupt: digest is": corrupt,
	} {
		for name, data := range map[string][]byte{"file": b.tar(), "pipe": testkit.Gzip(b.tar())} {
			s := newStore(t)
			_, err := s.Load(t.Context(), writeTemp(t, data), LoadOptions{})
			testkit.WantError(t, name, err, want)
		}
	}
}

// A layer may be compressed in any way. A manifest that is made for it has a media type
// that others know; one of the archive stays, whatever it says.
func TestCompressedLayers(t *testing.T) {
	if testing.Short() {
		t.Skip("compresses a layer that is larger than any document")
	}
	large := make([]byte, maxConfig+1)
	rand.NewChaCha8([32]byte{}).Read(large)
	top := tarOf("a", "2")
	for program, content := range map[string][]byte{"gzip": {1}, "bzip2": {1}, "xz": large} {
		bottom := tarOf("a", "1", "b", string(content))
		docker := dockerArchive("test:one", bottom, top, bottom, top)
		layout := archive{}
		var blobs []ocispec.Descriptor
		for i, data := range [][]byte{bottom, top, bottom, top} {
			packed := testkit.Filter(t, data, program, "-1")
			docker[string('a'+rune(i))+"/layer.tar"] = packed
			blobs = append(blobs, layout.blob(ocispec.MediaTypeImageLayerGzip, packed))
		}
		layout.index(as(layout.imageOf(configOf(bottom, top, bottom, top), blobs...), "test:one"))
		for name, data := range map[string][]byte{"docker": docker.tar(), "OCI": layout.tar()} {
			for _, pipe := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, pipe %v", program, name, pipe), func(t *testing.T) {
					s := newStore(t)
					src := writeTemp(t, data)
					if pipe {
						src = writeTemp(t, testkit.Gzip(data))
					}
					mustLoad(t, s, src)
					image := mustImage(t, s, "test:one")
					wantFile(t, s, image, "/a", "2")
					for _, d := range image.blobs {
						if program != "gzip" && name == "docker" && d.MediaType != ocispec.MediaTypeImageLayer {
							t.Errorf("layer has media type %s", d.MediaType)
						}
					}
					checkWhole(t, s)
					if v := mustFsck(t, s); len(v.Problems)+len(v.Notes) > 0 {
						t.Errorf("%+v", v)
					}
				})
			}
		}
	}
}

func checkTestOne(t *testing.T, s *Store, names []string) {
	t.Helper()
	if want := []string{"docker.io/library/test:one"}; !slices.Equal(names, want) {
		t.Fatalf("loaded %q, want %q", names, want)
	}
	image := mustImage(t, s, "test:one")
	if len(image.Layers) != 2 || image.Size != 3 {
		t.Errorf("%d layers, %d bytes", len(image.Layers), image.Size)
	}
	wantFile(t, s, image, "/a", "2")
	checkWhole(t, s)
}

// checkWhole checks the rules of the store: the digest of each blob is its name, each
// image has its layers, tmp is empty, and modes are as in doc.go.
func checkWhole(t *testing.T, s *Store) {
	t.Helper()
	blobs, err := filepath.Glob(s.path("blobs", "sha256", "*"))
	testkit.Check(t, err)
	for _, path := range blobs {
		data, err := os.ReadFile(path)
		if err != nil || digest.FromBytes(data).Encoded() != filepath.Base(path) {
			t.Errorf("blob %s has another digest (%v)", path, err)
		}
	}
	list, err := s.List()
	testkit.Check(t, err)
	for _, image := range list {
		for _, l := range image.Layers {
			if !s.Layers().Has(l) {
				t.Errorf("%s: layer %s is missing", image.Name, l)
			}
		}
	}
	wantNone(t, s, "tmp/*")
	for path, mode := range map[string]fs.FileMode{
		"": 0o711, "layers": 0o700, "tmp": 0o700, "index.json": 0o644, "blobs": 0o711, "blobs/sha256": 0o711,
	} {
		if st, err := os.Stat(s.path(path)); err == nil && st.Mode().Perm() != mode {
			t.Errorf("%q has mode %o, want %o", path, st.Mode().Perm(), mode)
		}
	}
}

// An archive of docker before version 25 may have a layer twice, the second a link.
func TestLinkedLayer(t *testing.T) {
	layer := tarOf("a", "1")
	entries := []testkit.Entry{testkit.Link("b/layer.tar", "../a/layer.tar")}
	for name, data := range dockerArchive("test:one", layer, layer) {
		if name != "b/layer.tar" {
			entries = append(entries, testkit.File(name, 0o644, string(data)))
		}
	}
	s := newStore(t)
	mustLoad(t, s, writeTemp(t, testkit.Tar(entries...)))
	checkWhole(t, s)
}

// The image for this machine is loaded from an index for several platforms, which
// need not have the blobs of the others.
func TestPlatforms(t *testing.T) {
	here := hostPlatform()
	b := archive{}
	mine := b.image(tarOf("mine", "1"))
	mine.Platform = &here
	other := describe(ocispec.MediaTypeImageManifest, []byte("not here"))
	other.Platform = &ocispec.Platform{OS: "plan9", Architecture: "mips"}
	b.index(as(b.json(ocispec.MediaTypeImageIndex, indexOf(other, mine)), "test:one"))
	s := newStore(t)
	mustLoad(t, s, b.dir(t))
	testkit.Equal(t, "manifest", mustImage(t, s, "test:one").Manifest, mine.Digest)

	b.index(as(b.json(ocispec.MediaTypeImageIndex, indexOf(other)), "test:one"))
	_, err := s.Load(t.Context(), b.dir(t), LoadOptions{})
	testkit.WantError(t, "another platform", err, "plan9/mips")
}

// A name that moves to another image leaves the first without one.
func TestNameMoves(t *testing.T) {
	s := newStore(t)
	loadDocker(t, s, "test:one", tarOf("a", "1"))
	first := mustImage(t, s, "test:one")
	loadDocker(t, s, "test:one", tarOf("a", "2"))
	if second := mustImage(t, s, "test:one"); second.ID == first.ID {
		t.Fatal(second)
	}
	if old, err := s.Image(first.ID.Encoded()[:12]); err != nil || old.Name != "" || old.Size != 1 {
		t.Errorf("the first image: %+v, %v", old, err)
	}
	loadDocker(t, s, "test:two", tarOf("a", "1"))
	wantImages(t, s, 2)
	checkWhole(t, s)
}

// Nothing of an archive with an error is visible.
func TestFailedLoadIsInvisible(t *testing.T) {
	good, bad := tarOf("a", "1"), tarOf("../a", "1")
	b := archive{}
	b.index(as(b.image(good), "good:one"), as(b.image(good, bad), "bad:one"))
	s := newStore(t)
	if _, err := s.Load(t.Context(), b.dir(t), LoadOptions{}); err == nil {
		t.Fatal("no error")
	}
	wantImages(t, s, 0)
	if trees, _ := s.Layers().List(); len(trees) != 0 {
		t.Errorf("layers: %v", trees)
	}
	checkWhole(t, s)
}

// Several commands can load images that share layers at the same time.
func TestLoadsAtOnce(t *testing.T) {
	s := newStore(t)
	var wait sync.WaitGroup
	for i := range 8 {
		shared := tarOf("shared", strings.Repeat("x", 1<<16))
		own := tarOf("own", fmt.Sprint(i%3))
		path := writeTemp(t, dockerArchive(fmt.Sprintf("test:%d", i), shared, own).tar())
		wait.Go(func() {
			if _, err := s.Load(t.Context(), path, LoadOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	wantImages(t, s, 8)
	checkWhole(t, s)
}

// The store stays whole while several commands load and remove an image.
func TestLoadAndRemoveAtOnce(t *testing.T) {
	s := newStore(t)
	path := writeTemp(t, dockerArchive("test:one", tarOf("a", "1"), tarOf("b", "1")).tar())
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

// A load removes the scratch directory of a killed one, and no other.
func TestAbandonedScratchRemoved(t *testing.T) {
	s := newStore(t)
	testkit.Check(t, s.Create())
	dead := s.path("tmp", scratchPrefix+"dead")
	testkit.Check(t, os.MkdirAll(filepath.Join(dead, "layer0", "diff"), 0o700))
	alive, err := s.scratch()
	testkit.Check(t, err)
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the abandoned directory: %v", err)
	}
	loadDocker(t, s, "a", tarOf())
	if _, err := os.Stat(alive.path); err != nil {
		t.Errorf("the locked directory: %v", err)
	}
	testkit.Check(t, alive.close())
}

// A load removes blobs and layers that a crash left before the index was written, but
// not while another command may have renamed them.
func TestUnreferencedRemoved(t *testing.T) {
	s := newStore(t)
	loadDocker(t, s, "a", tarOf("a", "1"))
	orphan := mustImage(t, s, "a")
	testkit.Check(t, os.WriteFile(s.path("index.json"), archive{}.index()["index.json"], 0o644))
	other := writeTemp(t, dockerArchive("b", tarOf()).tar())
	release, err := s.Hold()
	testkit.Check(t, err)
	mustLoad(t, s, other)
	if !s.Layers().Has(orphan.Layers[0]) {
		t.Error("removed while another command may need it")
	}
	release()
	mustLoad(t, s, other)
	checkNoOrphans(t, s)
	checkWhole(t, s)
	if s.Layers().Has(orphan.Layers[0]) {
		t.Error("the unreferenced layer is still there")
	}
}

// checkNoOrphans fails if the store has a blob or layer that no image refers to.
func checkNoOrphans(t *testing.T, s *Store) {
	t.Helper()
	blobs, trees, err := reachable(s)
	testkit.Check(t, err)
	for pattern, want := range map[string]int{
		"blobs/sha256/*": len(blobs), "layers/sha256/*": len(trees), "layers/????????": len(trees),
	} {
		if found, _ := filepath.Glob(s.path(pattern)); len(found) != want {
			t.Errorf("%s: %d, want %d: %q", pattern, len(found), want, found)
		}
	}
}

// A full disk is an error that leaves the store whole. The disk is a small tmpfs in a
// mount namespace, where the test runs itself again.
func TestDiskFull(t *testing.T) {
	testkit.NeedRoot(t)
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
	archive := writeTemp(t, dockerArchive("big", tarOf("a", strings.Repeat("x", 128<<10), "b", "1")).tar())
	loaded := false
	for size := 32 << 10; !loaded; size += 4 << 10 {
		testkit.Check(t, unix.Mount("tmpfs", root, "tmpfs", 0, fmt.Sprintf("size=%d", size)))
		loaded = loadToFullDisk(t, root, archive)
		testkit.Check(t, unix.Unmount(root, 0))
	}
}

// loadToFullDisk reports whether the disk was large enough.
func loadToFullDisk(t *testing.T, root, archive string) bool {
	s, err := Open(root)
	testkit.Check(t, err)
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
		loadDocker(t, s, "small")
		checkWhole(t, s)
	}
	return failed == nil
}

// Names and configs can be read without root, layers cannot.
func TestDocumentsAreReadable(t *testing.T) {
	s := newStore(t)
	loadDocker(t, s, "test:one", tarOf("a", "1"))
	for _, pattern := range []string{"index.json", "oci-layout"} {
		if st, err := os.Stat(s.path(pattern)); err != nil || st.Mode().Perm()&0o004 == 0 {
			t.Errorf("%s: %v, %v", pattern, st, err)
		}
	}
	image := mustImage(t, s, "test:one")
	for d, readable := range map[digest.Digest]bool{image.ID: true, image.Manifest: true, image.Layers[0]: false} {
		st, err := os.Stat(s.blobPath(d))
		if err != nil || (st.Mode().Perm()&0o044 != 0) != readable {
			t.Errorf("blob %s: mode %v, want readable: %v (%v)", d, st.Mode(), readable, err)
		}
	}
}

// A store that does not exist is empty, and reading does not make it.
func TestMissingStoreIsEmpty(t *testing.T) {
	root := filepath.Join(t.TempDir(), "none")
	s, err := Open(root)
	testkit.Check(t, err)
	wantImages(t, s, 0)
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
