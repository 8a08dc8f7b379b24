package images

// Fsck verifies the rules of the store (see doc.go), as fsck(8) does for a
// filesystem. It follows every name to the last byte it refers to:
//
//	index.json → manifest → config → diff IDs ──► trees, their links and sizes
//	                      → layers: the size and digest of each blob, and the
//	                        diff ID of the tar in it
//	           → index → manifests of other platforms
//
// What is wrong on the way is a problem: an image cannot be run, or is not the
// one that was loaded. A file that no name refers to is a note: a command was
// killed, or is running. See fsck_leftover.go.
//
// The files in the tree of a layer are not compared with its blob. Nothing is
// written, and no more than a few buffers are in memory. See repair.go for repairs.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// A Finding is a problem or a note.
type Finding struct {
	Path   string   // relative to the root of the store
	What   string   // what is wrong with it
	Images []string // familiar names or manifest digests of the images that need it
	Hint   string   // how to repair it
}

// A FsckReport is the result of Fsck.
type FsckReport struct {
	Images, Blobs, Layers int   // that were verified
	Bytes                 int64 // that were read
	Problems              []Finding
	Notes                 []Finding // leftovers, which are harmless
}

// Fsck verifies the whole store. It holds off commands that remove images. The
// error is about what it could not read.
func (s *Store) Fsck(ctx context.Context) (*FsckReport, error) {
	lock, err := lockfile.Lock(ctx, s.path("lock"), lockfile.Shared)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	defer lock.Close()
	f, err := verify(s, ctx)
	if err != nil {
		return nil, err
	}
	return &f.FsckReport, errors.Join(f.containers(), f.leftovers())
}

// verify verifies the images of the store, while the lock is held.
func verify(s *Store, ctx context.Context) (*fsck, error) {
	f := &fsck{
		s: s, manifests: make(map[digest.Digest][]string), damaged: make(map[digest.Digest]bool),
		blobs: make(map[digest.Digest]digest.Digest), trees: make(map[digest.Digest]bool),
	}
	return f, f.images(ctx)
}

// A fsck is one verification.
type fsck struct {
	FsckReport
	s          *Store
	manifests  map[digest.Digest][]string      // and the names of each
	blobs      map[digest.Digest]digest.Digest // that were seen; the diff ID of a valid layer
	trees      map[digest.Digest]bool
	incomplete bool                   // a document is unreadable, so its references are unknown
	entry      digest.Digest          // the entry of the index that is being verified
	damaged    map[digest.Digest]bool // entries with a problem
}

const hintPrune = "remove it with: minictr prune"

// problem adds a problem; one that another image has, too, gets the names of both. It
// drops the path from the error: Path has it.
func (f *fsck) problem(path string, names []string, err error) {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	f.damaged[f.entry] = true
	for i, other := range f.Problems {
		if other.Path == path && other.What == err.Error() {
			f.Problems[i].Images = append(other.Images, names...)
			return
		}
	}
	f.Problems = append(f.Problems, Finding{path, err.Error(), slices.Clone(names), hintRepair})
}

// again adds the names of an image to the problems of a file that was verified before.
func (f *fsck) again(path string, names []string) {
	for i := range f.Problems {
		if p := &f.Problems[i]; p.Path == path && !slices.Contains(p.Images, names[0]) {
			p.Images = append(p.Images, names...)
			f.damaged[f.entry] = true
		}
	}
}

// images verifies the index and each image in it.
func (f *fsck) images(ctx context.Context) error {
	index, err := readIndex(f.s)
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err != nil {
		f.incomplete = true
		f.problem(ocispec.ImageIndexFile, nil, err)
		return nil
	}
	// collect the names of each manifest
	if len(index) > 0 {
		f.layout()
	}
	for _, d := range index {
		f.manifests[d.Digest] = append(f.manifests[d.Digest], shownName(d))
	}
	// verify each manifest once
	done := make(map[digest.Digest]bool)
	for _, d := range index {
		if done[d.Digest] {
			continue
		}
		done[d.Digest], f.entry = true, d.Digest
		if err := f.image(ctx, d, f.manifests[d.Digest], false); err != nil {
			return err
		}
	}
	// and the other members of their indexes
	for _, d := range index {
		f.entry = d.Digest
		if err := f.members(ctx, d, f.manifests[d.Digest]); err != nil {
			return err
		}
	}
	return nil
}

// members verifies the index of an entry, and what the store has of it.
func (f *fsck) members(ctx context.Context, entry ocispec.Descriptor, names []string) error {
	m, err := f.s.members(entry)
	if err != nil {
		top, _, _ := indexOfImage(entry)
		f.unreadable(top, names, err)
		return nil
	}
	for _, d := range m.indexes {
		f.document(d, maxManifest, names)
	}
	for _, d := range m.manifests {
		if f.manifests[d.Digest] != nil {
			continue
		}
		f.manifests[d.Digest] = names
		if f.s.isImage(d) {
			if err := f.image(ctx, d, names, true); err != nil {
				return err
			}
			continue
		}
		contents, err := contents(f.s, d)
		if err != nil {
			f.unreadable(d, names, err)
		}
		for _, blob := range append(contents, d) {
			f.document(blob, maxConfig, names)
		}
	}
	return nil
}

// layout verifies the file oci-layout.
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
		f.problem(ocispec.ImageLayoutFile, nil, err)
	}
}

// image verifies all that a manifest refers to. That of a member has no annotated sizes.
func (f *fsck) image(ctx context.Context, d ocispec.Descriptor, names []string, member bool) error {
	// manifest and config
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
	// the annotated sizes
	sizes, err := splitSizes(d.Annotations[layerSizes])
	if err == nil && len(sizes) != len(parts) && !member {
		err = fmt.Errorf("%d sizes for %d layers", len(sizes), len(parts))
	}
	if err != nil {
		f.problem(ocispec.ImageIndexFile, names, err)
	}
	// the layers
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

// unreadable adds the problem of a document.
func (f *fsck) unreadable(d ocispec.Descriptor, names []string, err error) {
	f.incomplete = true
	f.problem(blobFile(d.Digest), names, err)
}

// layer verifies the blob of a layer, once for all images.
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
			f.problem(blobFile(d.Digest), names, err)
		}
	} else {
		f.again(blobFile(d.Digest), names)
	}
	if got != "" && got != diffID {
		err := fmt.Errorf("diff ID is %s, the image config says %s", got, diffID)
		f.problem(blobFile(d.Digest), names, err)
	}
	return nil
}

// read verifies size and digest of a layer. It returns the diff ID.
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
		return "", fmt.Errorf("size is %d bytes, its descriptor says %d", st.Size(), d.Size)
	}
	// hash it
	f.Bytes += d.Size
	got, diffID, err := layers.Digests(ctx, blob)
	if err != nil {
		return "", err
	}
	if got != d.Digest {
		return "", fmt.Errorf("digest is %s", got)
	}
	return diffID, nil
}

// tree verifies that the tree of a layer is where overlayfs will look for it, and
// that its size is the annotated one, unless that is -1.
func (f *fsck) tree(diffID digest.Digest, size int64, names []string) {
	all := f.s.layers
	short := filepath.Join(all.Dir(), all.Short(diffID))
	sizeFile := filepath.Join(filepath.Dir(all.Path(diffID)), "size")
	if f.trees[diffID] {
		for _, path := range []string{all.Path(diffID), short, sizeFile} {
			f.again(f.below(path), names)
		}
		return
	}
	// the directory
	f.trees[diffID] = true
	f.Layers++
	st, err := os.Lstat(all.Path(diffID))
	if err == nil && !st.IsDir() {
		err = unix.ENOTDIR
	}
	if err != nil {
		f.problem(f.below(all.Path(diffID)), names, err)
		return
	}
	// the short link
	target, err := os.Readlink(short)
	if err == nil && filepath.Join(all.Dir(), target) != all.Path(diffID) {
		err = fmt.Errorf("symbolic link points to %s, not to layer %s", target, diffID)
	}
	if err != nil {
		f.problem(f.below(short), names, err)
	}
	// the size
	n, err := all.Size(diffID)
	if err == nil && size >= 0 && n != size {
		err = fmt.Errorf("size is %d bytes, index.json says %d", n, size)
	}
	if err != nil {
		f.problem(f.below(sizeFile), names, err)
	}
}

// below returns a path relative to the root of the store.
func (f *fsck) below(path string) string {
	return strings.TrimPrefix(path, f.s.root+"/")
}
