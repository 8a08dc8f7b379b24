package images

// Repair removes what fsck finds damaged, in an order that a kill at any moment leaves
// for the next repair:
//
//  1. index.json, if it cannot be read, is made again from the manifests of the store.
//     The names of images are lost.
//  2. A damaged image that no container uses loses its names. If one does, only its
//     damaged blobs are removed: pulling or loading the image again writes them, and the
//     layers that the container runs on stay.
//  3. What no image refers to is collected, as by prune.
//
// It removes no file that is not minictr's (own.go).

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A Repaired is one thing that Repair did, or could not do.
type Repaired struct {
	What string // as in "removed image app:1"
	Hint string // what to do now, or ""
}

// Repair verifies the store as Fsck does and removes what is damaged.
func (s *Store) Repair(ctx context.Context) (done []Repaired, err error) {
	if _, err := os.Stat(s.path("tmp")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // there is no store
	}
	err = s.locked(lockfile.Exclusive, "repair", func(scratch *scratch) (err error) {
		done, err = repair(s, ctx, scratch)
		return err
	})
	return done, err
}

// repair repairs while the lock is held.
func repair(s *Store, ctx context.Context, scratch *scratch) (done []Repaired, err error) {
	if _, err := s.index(); errors.Is(err, errDamaged) {
		n, err := rebuildIndex(s, scratch)
		if err != nil {
			return done, err
		}
		done = append(done, Repaired{fmt.Sprintf("made index.json of what is whole, images without names: %d", n),
			"name them with minictr tag ID NAME, or pull them again"})
	}
	f, err := verify(s, ctx)
	if err != nil {
		return done, err
	}
	if slices.ContainsFunc(f.Problems, func(p Finding) bool { return p.Path == ocispec.ImageLayoutFile }) {
		if err := publishLayout(s, scratch); err != nil {
			return done, err
		}
		done = append(done, Repaired{What: "made " + ocispec.ImageLayoutFile})
	}
	gone, told, err := judge(s, f)
	done = append(done, told...)
	if err != nil {
		return done, err
	}
	err = s.changeIndex(scratch, func(index []ocispec.Descriptor) []ocispec.Descriptor {
		return slices.DeleteFunc(index, func(d ocispec.Descriptor) bool { return slices.Contains(gone, d.Digest) })
	})
	if err != nil {
		return done, err
	}
	if err := removeDamaged(s, f); err != nil {
		return done, err
	}
	_, err = s.collect(scratch)
	return done, err
}

// judge returns which damaged images go, and tells which go and which stay.
func judge(s *Store, f *fsck) (gone []digest.Digest, told []Repaired, err error) {
	index, err := s.index()
	if err != nil {
		return nil, nil, err
	}
	for _, d := range index {
		if !f.damaged[d.Digest] {
			continue
		}
		by, err := users(s, d)
		if err != nil {
			return nil, told, err
		}
		name, again := shownName(d), "pull or load it again: minictr pull "+shownName(d)
		if len(by) == 0 {
			gone = append(gone, d.Digest)
			told = append(told, Repaired{"removed image " + name, again})
			continue
		}
		what := "kept image " + name + ", which is used by container " + strings.Join(by, ", ")
		told = append(told, Repaired{what, again + ", or remove the container: minictr rm " + strings.Join(by, " ")})
	}
	return gone, told, nil
}

// removeDamaged removes the blobs that have a problem.
func removeDamaged(s *Store, f *fsck) error {
	present, err := s.own("blobs/sha256", isBlob)
	if err != nil {
		return err
	}
	for _, path := range present {
		if slices.ContainsFunc(f.Problems, func(p Finding) bool { return p.Path == f.below(path) }) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// rebuildIndex writes an index of all images whose manifests, configs and layers the
// store has. It returns their number.
func rebuildIndex(s *Store, scratch *scratch) (n int, err error) {
	present, err := s.own("blobs/sha256", isBlob)
	if err != nil {
		return 0, err
	}
	var found []ocispec.Descriptor
	for _, path := range present {
		st, err := os.Lstat(path)
		if err != nil || st.Size() > maxManifest {
			continue
		}
		for _, mediaType := range []string{ocispec.MediaTypeImageManifest, dockerManifest} {
			id := digest.NewDigestFromEncoded(digest.SHA256, filepath.Base(path))
			d := ocispec.Descriptor{MediaType: mediaType, Digest: id, Size: st.Size()}
			if sizes, ok := sizesOfLayers(s, d); ok {
				found = append(found, indexEntry(d, "", sizes))
				break
			}
		}
	}
	return len(found), publishIndex(s, scratch, found)
}

// sizesOfLayers returns the sizes of the layers of an image, and whether the store has
// all of it.
func sizesOfLayers(s *Store, d ocispec.Descriptor) (sizes []int64, whole bool) {
	image, err := readDocuments(s, d)
	if err != nil {
		return nil, false
	}
	for _, l := range image.Layers {
		n, err := s.layers.Size(l)
		if err != nil {
			return nil, false
		}
		sizes = append(sizes, n)
	}
	return sizes, true
}
