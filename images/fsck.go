package images

// Is the store what its rules promise (see store.go)? Fsck, named after the
// program that asks this of a file system, follows every name to the last
// byte it leads to:
//
//	index.json → manifest → config → diff IDs ──► trees, their links and sizes
//	                      → layers: each blob's size, its digest, and the diff
//	                        ID of the tar within
//
// What is on the way and is not as it should be is a problem: an image cannot
// be run, or is not what was once loaded. What lies there and leads from no
// name is none: a command was killed, or is still at work. See fsck_left.go.
//
// The files in a layer's tree are not held against its blob. Nothing is
// mended, nothing is written, and no more than a few buffers are in memory.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// A Finding is something in the store that should not be as it is.
type Finding struct {
	Path   string   // below the store's root
	What   string   // is wrong with it
	Images []string // that need it
	Hint   string   // what can be done
}

// A Verdict is what Fsck found.
type FsckReport struct {
	Images, Blobs, Layers int   // that were verified
	Bytes                 int64 // that were read
	Problems              []Finding
	Notes                 []Finding // what is left over, and harms nobody
}

// Fsck verifies the whole store. It waits for those who remove images, and
// they wait for it; the error is of what could not be looked at.
func (s *Store) Fsck(ctx context.Context) (*FsckReport, error) {
	lock, err := lockfile.Lock(ctx, s.path("lock"), lockfile.Shared)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	defer lock.Close()
	f := &fsck{s: s, manifests: make(map[digest.Digest][]string), blobs: make(map[digest.Digest]digest.Digest), trees: make(map[digest.Digest]bool)}
	if err := f.images(ctx); err != nil {
		return nil, err
	}
	return &f.FsckReport, errors.Join(f.containers(), f.leftovers())
}

type fsck struct {
	FsckReport
	s          *Store
	manifests  map[digest.Digest][]string      // and the names they have
	blobs      map[digest.Digest]digest.Digest // that were seen; a layer's with its diff ID, if it is sound
	trees      map[digest.Digest]bool
	incomplete bool // it is not known what is needed, because a document cannot be read
}

const (
	hintLayer    = "minictr rmi IMAGE, then pull or load it again"
	hintDocument = "nothing can be added to this store or taken from it: move it away, and pull or load what you need"
	hintPrune    = "minictr prune removes it"
)

func (f *fsck) problem(path, hint string, names []string, err error) {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	f.Problems = append(f.Problems, Finding{path, err.Error(), names, hint})
}

func (f *fsck) images(ctx context.Context) error {
	index, err := f.s.index()
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err != nil {
		f.incomplete = true
		f.problem(ocispec.ImageIndexFile, hintDocument, nil, errors.Unwrap(err)) // without the path
		return nil
	}
	if len(index) > 0 {
		f.layout()
	}
	for _, d := range index {
		who := d.Digest.String()
		if nameOf(d) != "" {
			who = Familiar(nameOf(d))
		}
		f.manifests[d.Digest] = append(f.manifests[d.Digest], who)
	}
	done := make(map[digest.Digest]bool)
	for _, d := range index {
		if done[d.Digest] {
			continue
		}
		done[d.Digest] = true
		if err := f.image(ctx, d, f.manifests[d.Digest]); err != nil {
			return err
		}
	}
	return nil
}

func (f *fsck) layout() {
	var layout ocispec.ImageLayout
	data, err := os.ReadFile(f.s.path(ocispec.ImageLayoutFile))
	if err == nil {
		err = json.Unmarshal(data, &layout)
	}
	if err == nil && layout.Version != ocispec.ImageLayoutVersion {
		err = fmt.Errorf("unknown version %q", layout.Version)
	}
	if err != nil {
		f.problem(ocispec.ImageLayoutFile, "other tools cannot read the store: move the file away, and load an image", nil, err)
	}
}

// image verifies all that a manifest leads to.
func (f *fsck) image(ctx context.Context, d ocispec.Descriptor, names []string) error {
	f.Images++
	manifest, err := f.document(d, maxManifest, names)
	if err != nil {
		return nil
	}
	config, parts, err := parseManifest(manifest, d.MediaType)
	if err != nil {
		f.unreadable(d, names, err)
		return nil
	}
	data, err := f.document(config, maxConfig, names)
	if err != nil {
		return nil
	}
	image, err := parseConfig(data, len(parts))
	if err != nil {
		f.unreadable(config, names, err)
		return nil
	}
	sizes, err := splitSizes(d.Annotations[layerSizes])
	if err == nil && len(sizes) != len(parts) {
		err = fmt.Errorf("%d sizes for %d layers", len(sizes), len(parts))
	}
	if err != nil {
		f.problem(ocispec.ImageIndexFile, hintLayer, names, err)
	}
	for i, part := range parts {
		diffID := image.RootFS.DiffIDs[i]
		if err := f.layer(ctx, part, diffID, names); err != nil {
			return err
		}
		size := int64(-1)
		if i < len(sizes) {
			size = sizes[i]
		}
		f.tree(diffID, size, names)
	}
	return nil
}

// document verifies a manifest or a config.
func (f *fsck) document(d ocispec.Descriptor, max int64, names []string) ([]byte, error) {
	if _, seen := f.blobs[d.Digest]; !seen {
		f.blobs[d.Digest] = ""
		f.Blobs++
		f.Bytes += d.Size
	}
	data, err := f.s.readBlob(d, max)
	if err != nil {
		f.unreadable(d, names, err)
	}
	return data, err
}

func (f *fsck) unreadable(d ocispec.Descriptor, names []string, err error) {
	f.incomplete = true
	f.problem(blobFile(d.Digest), hintDocument, names, err)
}

// layer verifies a layer's blob. One that several images need is read once.
func (f *fsck) layer(ctx context.Context, d ocispec.Descriptor, diffID digest.Digest, names []string) error {
	got, seen := f.blobs[d.Digest]
	if !seen {
		f.Blobs++
		var err error
		got, err = f.read(ctx, d)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.blobs[d.Digest] = got
		if err != nil {
			f.problem(blobFile(d.Digest), hintLayer, names, err)
		}
	}
	if got != "" && got != diffID {
		f.problem(blobFile(d.Digest), hintLayer, names, fmt.Errorf("it has the diff ID %s, the image's config says %s", got, diffID))
	}
	return nil
}

func (f *fsck) read(ctx context.Context, d ocispec.Descriptor) (diffID digest.Digest, err error) {
	blob, err := os.Open(f.s.blobPath(d.Digest))
	if err != nil {
		return "", err
	}
	defer blob.Close()
	st, err := blob.Stat()
	if err != nil {
		return "", err
	}
	if st.Size() != d.Size {
		return "", fmt.Errorf("it has %d bytes, its descriptor says %d", st.Size(), d.Size)
	}
	f.Bytes += d.Size
	got, diffID, err := layers.Digests(ctx, blob)
	if err != nil {
		return "", err
	}
	if got != d.Digest {
		return "", fmt.Errorf("it has the digest %s", got)
	}
	return diffID, nil
}

// tree verifies that a layer lies unpacked where overlayfs will look for it,
// and that its size is the one in the index, if that has one (else -1).
func (f *fsck) tree(diffID digest.Digest, size int64, names []string) {
	if f.trees[diffID] {
		return
	}
	f.trees[diffID] = true
	f.Layers++
	here := f.s.layers
	st, err := os.Lstat(here.Path(diffID))
	if err == nil && !st.IsDir() {
		err = unix.ENOTDIR
	}
	if err != nil {
		f.problem(f.below(here.Path(diffID)), hintLayer, names, err)
		return
	}
	short := filepath.Join(here.Dir(), here.Short(diffID))
	target, err := os.Readlink(short)
	if err == nil && filepath.Join(here.Dir(), target) != here.Path(diffID) {
		err = fmt.Errorf("it leads to %s, not to layer %s", target, diffID)
	}
	if err != nil {
		f.problem(f.below(short), hintLayer, names, err)
	}
	n, err := here.Size(diffID)
	if err == nil && size >= 0 && n != size {
		err = fmt.Errorf("it says %d bytes, index.json says %d", n, size)
	}
	if err != nil {
		f.problem(f.below(filepath.Join(filepath.Dir(here.Path(diffID)), "size")), hintLayer, names, err)
	}
}

// below is a path without the store's root.
func (f *fsck) below(path string) string {
	return strings.TrimPrefix(path, f.s.root+"/")
}
