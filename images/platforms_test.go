package images

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/images/registry"
	"github.com/minictr/minictr/internal/testkit"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// platformRegistry has an image for amd64, arm64 and s390x, each with an own file and a
// common one, and an attestation, as buildkit makes it.
func platformRegistry(t *testing.T) *testRegistry {
	t.Helper()
	b := archive{}
	var offers []ocispec.Descriptor
	for _, arch := range []string{"s390x", "amd64", "arm64"} {
		p := ocispec.Platform{OS: "linux", Architecture: arch}
		own, common := tarOf("arch", arch), tarOf("common", "file")
		config := configOf(common, own)
		config.Platform = p
		d := b.imageOf(config, b.blob(ocispec.MediaTypeImageLayerGzip, testkit.Gzip(common)),
			b.blob(ocispec.MediaTypeImageLayerGzip, testkit.Gzip(own)))
		d.Platform = &p
		offers = append(offers, d)
	}
	statement := b.blob("application/vnd.in-toto+json", []byte(`{"_type": "https://in-toto.io/Statement/v0.1"}`))
	attestation := b.imageOf(configOf(), statement)
	attestation.Platform = &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	offers = append(offers, attestation)
	return newTestRegistry(t, b, b.json(ocispec.MediaTypeImageIndex, indexOf(offers...)))
}

func (s *testRegistry) pullAll(t *testing.T, store *Store, platforms ...string) *Pulled {
	t.Helper()
	pulled, err := store.Pull(t.Context(), s.name(), PullOptions{
		Settings: &registry.Settings{}, Platforms: platforms, AllPlatforms: len(platforms) == 0,
	})
	testkit.Check(t, err)
	return pulled
}

// saved returns the files of an archive.
func saved(t *testing.T, store *Store, opts SaveOptions, name string) archive {
	t.Helper()
	var out bytes.Buffer
	opts.Format = OCIArchive
	testkit.Check(t, store.Save(t.Context(), &out, opts, name))
	files := archive{}
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		testkit.Check(t, err)
		data, err := io.ReadAll(r)
		testkit.Check(t, err)
		files[h.Name] = data
	}
}

// wantSound fails if fsck finds a problem, or a leftover.
func wantSound(t *testing.T, store *Store) {
	t.Helper()
	report, err := store.Fsck(t.Context())
	testkit.Check(t, err)
	for _, f := range append(report.Problems, report.Notes...) {
		t.Errorf("fsck: %s: %s", f.Path, f.What)
	}
}

func TestAllPlatformsSavedWhole(t *testing.T) {
	remote := platformRegistry(t)
	store := newStore(t)
	pulled := remote.pullAll(t, store)
	testkit.Equal(t, "new", pulled.New, true)
	testkit.Equal(t, "once more, new", remote.pullAll(t, store).New, false)
	wantSound(t, store)
	// this machine's platform has the name, the digest is the registry's
	image := mustImage(t, store, remote.name())
	testkit.Check(t, image.Check(""))
	testkit.Equal(t, "digest", image.Digest, remote.tag.Digest)
	list, err := store.List()
	testkit.Check(t, err)
	testkit.Equal(t, "images listed", len(list), 1)
	// the archive has each blob of the registry, unchanged
	files := saved(t, store, SaveOptions{}, remote.name())
	index, err := parseIndex(files["index.json"], ocispec.MediaTypeImageIndex)
	testkit.Check(t, err)
	testkit.Equal(t, "entries", len(index), 1)
	testkit.Equal(t, "digest in the archive", index[0].Digest, remote.tag.Digest)
	for _, name := range slices.Sorted(maps.Keys(remote.archive)) {
		if !bytes.Equal(files[name], remote.archive[name]) {
			t.Errorf("%s is not in the archive", path.Base(name))
		}
	}
	// another store takes it from there, in a file or through a pipe
	file := files.dir(t)
	for what, opts := range map[string]LoadOptions{file: {}, "-": {Stdin: bytes.NewReader(files.tar())}} {
		other := newStore(t)
		opts.AllPlatforms = true
		names, err := other.Load(t.Context(), what, opts)
		testkit.Check(t, err)
		testkit.Equal(t, what+": names", len(names), 1)
		wantSound(t, other)
		testkit.Equal(t, what+": digest", mustImage(t, other, remote.name()).Digest, remote.tag.Digest)
		testkit.Equal(t, what+": files", len(saved(t, other, SaveOptions{}, remote.name())), len(files))
	}
	// it is all removed with its name
	_, err = store.Remove(remote.name())
	testkit.Check(t, err)
	wantNone(t, store, "blobs/sha256/*", "layers/sha256/*")
}

// index0 returns the first entry of index.json.
func index0(t *testing.T, store *Store) ocispec.Descriptor {
	t.Helper()
	index, err := store.index()
	testkit.Check(t, err)
	return index[0]
}

func TestSomePlatforms(t *testing.T) {
	remote := platformRegistry(t)
	store := newStore(t)
	remote.pullAll(t, store, "linux/arm64", "linux/s390x")
	wantSound(t, store)
	platform := func() string { return mustImage(t, store, remote.name()).Config.Architecture }
	testkit.Equal(t, "the first has the name", platform(), "arm64")
	// what has been pulled stays, without an image that has no name
	remote.pullAll(t, store, "linux/amd64")
	testkit.Equal(t, "the last has the name", platform(), "amd64")
	list, err := store.List()
	testkit.Check(t, err)
	testkit.Equal(t, "images listed", len(list), 1)
	wantSound(t, store)
	// the archive has an entry for each platform; another store takes its own
	files := saved(t, store, SaveOptions{}, remote.name())
	index, err := parseIndex(files["index.json"], ocispec.MediaTypeImageIndex)
	testkit.Check(t, err)
	testkit.Equal(t, "entries", len(index), 3)
	other := newStore(t)
	_, err = other.Load(t.Context(), files.dir(t), LoadOptions{})
	testkit.Check(t, err)
	testkit.Check(t, mustImage(t, other, remote.name()).Check(""))
	for asked, want := range map[string]int{"linux/s390x": 1, "": 3} {
		other := newStore(t)
		opts := LoadOptions{AllPlatforms: asked == ""}
		if asked != "" {
			opts.Platforms = []string{asked}
		}
		_, err = other.Load(t.Context(), files.dir(t), opts)
		testkit.Check(t, err)
		wantSound(t, other)
		m, err := other.members(index0(t, other))
		testkit.Check(t, err)
		testkit.Equal(t, "manifests for "+asked, len(m.manifests), want)
	}
	// or only those that are asked for
	files = saved(t, store, SaveOptions{Platforms: []string{"linux/s390x"}}, remote.name())
	index, err = parseIndex(files["index.json"], ocispec.MediaTypeImageIndex)
	testkit.Check(t, err)
	testkit.Equal(t, "entries for s390x", len(index), 1)
	err = store.Save(t.Context(), io.Discard,
		SaveOptions{Format: OCIArchive, Platforms: []string{"linux/riscv64"}}, remote.name())
	testkit.WantError(t, "riscv64", err, "no image for linux/riscv64, only for")
	// a part of an index is not pushed by mistake
	_, _, err = store.Push(t.Context(), remote.name(), PushOptions{Settings: &registry.Settings{}})
	testkit.WantError(t, "push", err, "the store has only 3 of the 4 manifests of its index")
}

// An image that a container uses is kept, also when the name has another platform since.
func TestPlatformInUseKept(t *testing.T) {
	remote := platformRegistry(t)
	store := newStore(t)
	remote.pullAll(t, store, "linux/s390x")
	used := mustImage(t, store, remote.name()).Manifest
	testkit.Check(t, os.MkdirAll(store.path("containers", "c"), 0o700))
	testkit.Check(t, os.WriteFile(store.path("containers", "c", "image"), []byte(used+"\n"), 0o600))
	remote.pullAll(t, store, "linux/amd64")
	wantSound(t, store)
	if _, err := store.Remove(remote.name()); err == nil || !strings.Contains(err.Error(), "used by container c") {
		t.Errorf("remove: %v", err)
	}
	usage, err := DiskUsage(store)
	testkit.Check(t, err)
	onDisk, err := diskUsage(store)
	testkit.Check(t, err)
	testkit.Equal(t, "size", usage.Size, onDisk)
	testkit.Equal(t, "active images", usage.Active, 1)
	_, err = store.Prune(true, nil)
	testkit.Check(t, err)
	src, err := store.ImageByManifest(used)
	testkit.Check(t, err)
	testkit.Equal(t, "architecture", src.Config.Architecture, "s390x")
	src.Close()
}

// What all platforms are is limited, in number and in memory.
func TestPulledIndexSizeLimited(t *testing.T) {
	b := archive{}
	many := make([]ocispec.Descriptor, maxMembers+1)
	for i := range many {
		many[i] = b.image(tarOf("a", fmt.Sprint(i)))
	}
	blob := b.blob("application/x", make([]byte, maxConfig))
	large := b.imageOf(configOf(), slices.Repeat([]ocispec.Descriptor{blob}, maxExtra/maxConfig+1)...)
	for want, index := range map[string]ocispec.Index{
		"more than 256 manifests": indexOf(many...),
		"attestations of more":    indexOf(large),
	} {
		remote := newTestRegistry(t, b, b.json(ocispec.MediaTypeImageIndex, index))
		_, err := newStore(t).Pull(t.Context(), remote.name(),
			PullOptions{Settings: &registry.Settings{}, AllPlatforms: true})
		testkit.WantError(t, want, err, want)
	}
}

// Indexes that name each other many times are read once (a diamond).
func TestPulledDiamondIsSmall(t *testing.T) {
	b := archive{}
	d := b.imageFor(hostPlatform(), tarOf("a", "one"))
	for range maxDepth - 1 {
		d = b.json(ocispec.MediaTypeImageIndex, indexOf(slices.Repeat([]ocispec.Descriptor{d}, 500)...))
		platform := hostPlatform()
		d.Platform = &platform
	}
	remote := newTestRegistry(t, b, d)
	store := newStore(t)
	remote.pullAll(t, store)
	m, err := store.members(index0(t, store))
	testkit.Check(t, err)
	testkit.Equal(t, "indexes", len(m.indexes), maxDepth-1)
	testkit.Equal(t, "manifests", len(m.manifests), 1)
	wantSound(t, store)
}

// FuzzResolve follows any documents: one image gets the name, or there is an error.
func FuzzResolve(f *testing.F) {
	b := archive{}
	d := b.imageFor(hostPlatform(), tarOf("a", "one"))
	config, _, err := parseManifest(b[blobFile(d.Digest)], d.MediaType)
	testkit.Check(f, err)
	index := encode(indexOf(d, d))
	f.Add(index, b[blobFile(d.Digest)], b[blobFile(config.Digest)], false)
	f.Add(index, b[blobFile(d.Digest)], b[blobFile(config.Digest)], true)
	f.Add(index, index, []byte("{}"), true)
	f.Fuzz(func(t *testing.T, top, inner, config []byte, all bool) {
		r := resolver{
			wanted:   wanted{platforms: []ocispec.Platform{hostPlatform()}, all: all},
			document: func(ocispec.Descriptor) ([]byte, error) { return inner, nil },
			small:    func(ocispec.Descriptor) ([]byte, error) { return config, nil },
		}
		if r.resolve(describe(ocispec.MediaTypeImageIndex, top), top) != nil {
			return
		}
		r.nameFirst(testOne)
		named := 0
		for _, image := range r.images {
			if !image.member {
				named++
			}
		}
		if named != 1 {
			t.Errorf("%d of %d images have the name", named, len(r.images))
		}
	})
}

// Two names may have platforms of one index. A name that is removed takes nothing from the
// other.
func TestPlatformsUnderTwoNames(t *testing.T) {
	remote := platformRegistry(t)
	store := newStore(t)
	remote.pullAll(t, store)
	testkit.Check(t, store.Tag(remote.name(), "other:1"))
	_, err := store.Remove(remote.name())
	testkit.Check(t, err)
	wantSound(t, store)
	files := saved(t, store, SaveOptions{}, "other:1")
	testkit.Equal(t, "files", len(files), len(remote.archive)+2) // index.json and oci-layout
}
