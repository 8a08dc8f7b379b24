package images

// index.json lists the images of the store: a descriptor for each name of each
// image, and one for an image without a name. A name is in the two annotations
// that other tools read. The sizes of the unpacked layers are annotated too,
// because only root can read them from the layers.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Annotations of a descriptor, besides image-spec's org.opencontainers.image.ref.name.
const (
	layerSizes     = "io.minictr.layer.sizes"
	containerdName = "io.containerd.image.name"
)

// index returns the descriptors of index.json.
func (s *Store) index() ([]ocispec.Descriptor, error) {
	index, err := readIndex(s)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%s is %w: %w", s.path(ocispec.ImageIndexFile), errDamaged, err)
		err = hint.New(err, hintRepair)
	}
	return index, err
}

// readIndex reads index.json. It is written before oci-layout is: if only that is there,
// index.json is missing.
func readIndex(s *Store) ([]ocispec.Descriptor, error) {
	data, err := os.ReadFile(s.path(ocispec.ImageIndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		if _, missing := os.Stat(s.path(ocispec.ImageLayoutFile)); errors.Is(missing, fs.ErrNotExist) {
			return nil, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return parseIndex(data, ocispec.MediaTypeImageIndex)
}

// changeIndex replaces the index by what change returns for it.
func (s *Store) changeIndex(scratch *scratch, change func([]ocispec.Descriptor) []ocispec.Descriptor) error {
	release, err := s.lock("index.lock", lockfile.Exclusive)
	if err != nil {
		return err
	}
	defer release()
	old, err := s.index()
	if err != nil {
		return err
	}
	return publishIndex(s, scratch, change(slices.Clone(old)))
}

// publishIndex writes index.json. Without images it has an empty list.
func publishIndex(s *Store, scratch *scratch, manifests []ocispec.Descriptor) error {
	index := newIndex(manifests)
	if index.Manifests == nil {
		index.Manifests = []ocispec.Descriptor{}
	}
	data, err := json.Marshal(index)
	if err != nil {
		return err
	}
	return s.publish(scratch, ocispec.ImageIndexFile, data)
}

// indexEntry returns a descriptor for the index.
func indexEntry(manifest ocispec.Descriptor, name string, sizes []int64) ocispec.Descriptor {
	index := manifest.Annotations[indexAnnotation]
	manifest.Annotations = map[string]string{layerSizes: joinSizes(sizes)}
	if index != "" {
		manifest.Annotations[indexAnnotation] = index
	}
	if name != "" {
		manifest.Annotations[ocispec.AnnotationRefName] = name
		manifest.Annotations[containerdName] = name
	}
	return manifest
}

// nameOf returns the complete name in a descriptor of the store's index, or "".
func nameOf(d ocispec.Descriptor) string { return d.Annotations[ocispec.AnnotationRefName] }

// annotatedName returns the complete name in a descriptor of another index:
// containerd's annotation, which docker and podman write too, or image-spec's.
func annotatedName(d ocispec.Descriptor) string {
	for _, key := range []string{containerdName, ocispec.AnnotationRefName} {
		if full, err := Normalize(d.Annotations[key]); err == nil {
			return full
		}
	}
	return ""
}

// tag gives names to an image, and takes them from other images. An image with a
// name has no entry without one.
func tag(index []ocispec.Descriptor, manifest ocispec.Descriptor, names []string, sizes []int64) []ocispec.Descriptor {
	// another platform of the same index stays in the store without an entry
	same := func(d ocispec.Descriptor) bool {
		return d.Annotations[indexAnnotation] != "" &&
			d.Annotations[indexAnnotation] == manifest.Annotations[indexAnnotation] && slices.Contains(names, nameOf(d))
	}
	index = slices.DeleteFunc(index, same)
	index, _ = untag(index, func(d ocispec.Descriptor) bool { return slices.Contains(names, nameOf(d)) })
	for _, name := range names {
		index = append(index, indexEntry(manifest, name, sizes))
	}
	has := func(d ocispec.Descriptor) bool { return d.Digest == manifest.Digest }
	if len(names) == 0 && !slices.ContainsFunc(index, has) {
		return append(index, indexEntry(manifest, "", sizes))
	}
	return slices.DeleteFunc(index, func(d ocispec.Descriptor) bool {
		return has(d) && nameOf(d) == "" && len(names) > 0
	})
}

// A filter chooses descriptors.
type filter func(ocispec.Descriptor) bool

// untag removes the names of the chosen descriptors and returns them. An image
// that loses its last name keeps an entry without one.
func untag(index []ocispec.Descriptor, chosen filter) (left []ocispec.Descriptor, names []string) {
	// split the index
	var gone []ocispec.Descriptor
	for _, d := range index {
		if nameOf(d) != "" && chosen(d) {
			gone = append(gone, d)
			names = append(names, nameOf(d))
		} else {
			left = append(left, d)
		}
	}
	// keep images without names
	for _, d := range gone {
		if !slices.ContainsFunc(left, func(l ocispec.Descriptor) bool { return l.Digest == d.Digest }) {
			delete(d.Annotations, ocispec.AnnotationRefName)
			delete(d.Annotations, containerdName)
			left = append(left, d)
		}
	}
	return left, names
}

func joinSizes(sizes []int64) string {
	var text []string
	for _, n := range sizes {
		text = append(text, strconv.FormatInt(n, 10))
	}
	return strings.Join(text, ",")
}

// splitSizes is the inverse of joinSizes: sizes in bytes, separated by commas.
func splitSizes(text string) (sizes []int64, err error) {
	if text == "" {
		return nil, nil
	}
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}
