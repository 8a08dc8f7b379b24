package images

// index.json is the store's one list: a descriptor for each name of each
// image, and one for an image that has lost its name. A name is written in
// the two annotations that other tools look at. The sizes of the unpacked
// layers are written there as well, since only root can go and look.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/internal/lockfile"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const layerSizes = "io.minictr.layer.sizes"

func (s *Store) index() ([]ocispec.Descriptor, error) {
	data, err := os.ReadFile(s.path(ocispec.ImageIndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	index, err := parseIndex(data, ocispec.MediaTypeImageIndex)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path(ocispec.ImageIndexFile), err)
	}
	return index, nil
}

// changeIndex lets change make a new index from the old one.
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
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: change(slices.Clone(old))}
	index.SchemaVersion = 2
	if index.Manifests == nil {
		index.Manifests = []ocispec.Descriptor{}
	}
	data, err := json.Marshal(index)
	if err != nil {
		return err
	}
	return s.publish(scratch, ocispec.ImageIndexFile, data)
}

// named is a descriptor of the index.
func indexEntry(manifest ocispec.Descriptor, name string, sizes []int64) ocispec.Descriptor {
	manifest.Annotations = map[string]string{layerSizes: joinSizes(sizes)}
	if name != "" {
		manifest.Annotations[ocispec.AnnotationRefName] = name
		manifest.Annotations[containerdName] = name
	}
	return manifest
}

func nameOf(d ocispec.Descriptor) string { return d.Annotations[ocispec.AnnotationRefName] }

// tag gives names to an image. What had one of them before keeps its place in
// the index without it; an image that has a name needs no nameless entry.
func tag(index []ocispec.Descriptor, manifest ocispec.Descriptor, names []string, sizes []int64) []ocispec.Descriptor {
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

// untag takes the names of the chosen descriptors away. An image that loses
// its last one keeps a nameless entry. It returns the names taken.
func untag(index []ocispec.Descriptor, chosen func(ocispec.Descriptor) bool) (left []ocispec.Descriptor, names []string) {
	var gone []ocispec.Descriptor
	for _, d := range index {
		if nameOf(d) != "" && chosen(d) {
			gone = append(gone, d)
			names = append(names, nameOf(d))
		} else {
			left = append(left, d)
		}
	}
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
