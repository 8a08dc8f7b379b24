package images

// The format of an archive follows from its files. An OCI layout has oci-layout
// and index.json, whose descriptors refer to manifests (image-spec,
// image-layout.md). A docker archive has manifest.json, a list of {Config,
// RepoTags, Layers} with the names of files. docker since version 25 writes
// both, about the same blobs; then the OCI form is read, because it refers to
// each blob by its digest.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// An archiveImage is an image of an archive or a registry. All but its layers
// are verified.
type archiveImage struct {
	names        []string // complete; empty for an image without a name
	manifest     ocispec.Descriptor
	manifestJSON []byte // empty until the digests of all layers are known
	config       ocispec.Descriptor
	configJSON   []byte
	layers       []layerSource

	extra  []extraBlob // in the order in which they become visible
	member bool        // it has no entry in index.json, but its index has
}

// An extraBlob is a small blob that belongs to an image besides: its index, or a part of an
// attestation.
type extraBlob struct {
	digest digest.Digest
	data   []byte
}

// A layerSource is where the blob of a layer is, and what it must be.
type layerSource struct {
	File   string        // in an archive
	Size   int64         // of the blob in bytes
	Blob   digest.Digest // "" if only the diff ID is known in advance
	DiffID digest.Digest
	URLs   string // where else the blob is, as its descriptor says; separated by spaces
	Data   string // the blob, if it is in its descriptor
}

// open opens the blob in an archive.
func (l layerSource) open(archive fs.FS) (io.ReadCloser, error) {
	f, err := archive.Open(l.File)
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return f, err
	case l.Data != "":
		return io.NopCloser(strings.NewReader(l.Data)), nil
	case l.URLs != "":
		err = fmt.Errorf("not in the archive, which says where it is: %s", l.URLs)
		return nil, hint.New(err, "save the image with all its layers where it was made")
	}
	return nil, fmt.Errorf("not in the archive: %w", err)
}

// verify compares a layer that was read with what its descriptor and the image
// config say.
func (l layerSource) verify(size int64, blob, diffID digest.Digest) error {
	if err := l.verifyBlob(size, blob); err != nil {
		return err
	}
	if diffID != l.DiffID {
		return fmt.Errorf("diff ID is %s, the image config says %s", diffID, l.DiffID)
	}
	return nil
}

// verifyBlob compares a blob with its descriptor.
func (l layerSource) verifyBlob(size int64, blob digest.Digest) error {
	switch {
	case l.Blob != "" && size != l.Size:
		return fmt.Errorf("size is %d bytes, its descriptor says %d", size, l.Size)
	case l.Blob != "" && blob != l.Blob:
		return fmt.Errorf("digest is %s, its descriptor says %s", blob, l.Blob)
	}
	return nil
}

// findImages returns the images of an archive. A docker archive has no platforms.
func findImages(archive fs.FS, want wanted) ([]*archiveImage, error) {
	if _, err := fs.Stat(archive, ocispec.ImageLayoutFile); err == nil {
		return findLayoutImages(archive, want)
	}
	data, err := readFile(archive, "manifest.json", maxManifest)
	if t, ok := archive.(*tarball); ok && len(t.members) == 0 {
		return nil, errors.New("archive is empty")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("not an image archive: it has neither oci-layout nor manifest.json")
	}
	if err != nil {
		return nil, err
	}
	return findDockerImages(archive, data)
}

// readFile reads a file of the archive, of at most max bytes.
func readFile(archive fs.FS, name string, max int64) ([]byte, error) {
	f, err := archive.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(data)) > max {
		err = fmt.Errorf("%s is larger than %d bytes", name, max)
	}
	return data, err
}

// findLayoutImages returns the images of an OCI layout. Several descriptors of one
// name are one image for several platforms.
func findLayoutImages(archive fs.FS, want wanted) ([]*archiveImage, error) {
	// check the version
	layout, err := readFile(archive, ocispec.ImageLayoutFile, maxManifest)
	if err != nil {
		return nil, err
	}
	var version ocispec.ImageLayout
	if err := json.Unmarshal(layout, &version); err != nil || version.Version != ocispec.ImageLayoutVersion {
		return nil, fmt.Errorf("oci-layout: unknown version %q", version.Version)
	}
	// read the index
	data, err := readFile(archive, ocispec.ImageIndexFile, maxManifest)
	if err != nil {
		return nil, err
	}
	index, err := parseIndex(data, ocispec.MediaTypeImageIndex)
	if err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	// follow it to the manifests of each name
	var all []*archiveImage
	for _, group := range groupByName(index) {
		images, err := layoutImages(archive, group, want)
		if err != nil {
			return nil, err
		}
		all = append(all, images...)
	}
	return mergeNames(all), nil
}

// groupByName groups the descriptors of an index by their name. A descriptor
// without name and platform is a group of its own.
func groupByName(index []ocispec.Descriptor) [][]ocispec.Descriptor {
	at := make(map[string]int)
	var groups [][]ocispec.Descriptor
	for _, d := range index {
		name := annotatedName(d)
		i, ok := at[name]
		if !ok || name == "" && d.Platform == nil {
			i = len(groups)
			groups = append(groups, nil)
			at[name] = i
		}
		groups[i] = append(groups[i], d)
	}
	return groups
}

// layoutImages follows the descriptors of a name to its images.
func layoutImages(archive fs.FS, group []ocispec.Descriptor, want wanted) ([]*archiveImage, error) {
	r := resolver{
		wanted:   want,
		document: func(d ocispec.Descriptor) ([]byte, error) { return readArchiveBlob(archive, d, maxManifest) },
		small:    func(d ocispec.Descriptor) ([]byte, error) { return readArchiveBlob(archive, d, maxConfig) },
	}
	top, data, err := layoutTop(group, want, r.document)
	if err == nil {
		err = r.resolve(top, data)
	}
	if err != nil {
		return nil, err
	}
	var names []string
	if name := annotatedName(group[0]); name != "" {
		names = []string{name}
	}
	r.nameFirst(names...)
	return r.images, nil
}

// layoutTop returns the descriptor of a name and its document. Of several descriptors it is
// the one for this machine; if the user asked for platforms, it is an index of them.
func layoutTop(group []ocispec.Descriptor, want wanted, read func(ocispec.Descriptor) ([]byte, error)) (
	top ocispec.Descriptor, data []byte, err error) {
	top = group[0]
	switch {
	case len(group) > 1 && want.explicit:
		var manifests []ocispec.Descriptor
		for _, d := range group {
			platform := d.Platform
			d = bare(d)
			d.Platform = platform
			manifests = append(manifests, d)
		}
		data, err = json.Marshal(newIndex(manifests))
		return describe(ocispec.MediaTypeImageIndex, data), data, err
	case len(group) > 1:
		if top, err = choosePlatform(hostPlatform(), group); err != nil {
			return top, nil, err
		}
	}
	data, err = read(top)
	return top, data, err
}

// parseImage returns the image of a manifest. ReadConfig reads its config.
func parseImage(d ocispec.Descriptor, data []byte,
	readConfig func(ocispec.Descriptor) ([]byte, error)) (*archiveImage, error) {
	if !isManifest(d.MediaType) {
		return nil, fmt.Errorf("blob %s: media type %q is neither a manifest nor an index", d.Digest, d.MediaType)
	}
	config, layers, err := parseManifest(data, d.MediaType)
	if err != nil {
		return nil, err
	}
	configJSON, err := readConfig(config)
	if err != nil {
		return nil, err
	}
	parsed, err := parseConfig(configJSON, len(layers))
	if err != nil {
		return nil, err
	}
	image := &archiveImage{manifest: bare(d), manifestJSON: data, config: config, configJSON: configJSON}
	for i, l := range layers {
		image.layers = append(image.layers, layerSource{
			blobFile(l.Digest), l.Size, l.Digest, parsed.RootFS.DiffIDs[i], strings.Join(l.URLs, " "), string(l.Data),
		})
	}
	return image, nil
}

// readArchiveBlob reads and verifies a small blob of an OCI layout: its file or, without
// one, the data in its descriptor.
func readArchiveBlob(archive fs.FS, d ocispec.Descriptor, max int64) ([]byte, error) {
	if err := check(d, max); err != nil {
		return nil, err
	}
	f, err := archive.Open(blobFile(d.Digest))
	if errors.Is(err, fs.ErrNotExist) && d.Data != nil {
		return readVerified(bytes.NewReader(d.Data), d)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readVerified(f, d)
}

// mergeNames merges entries of one manifest into an image with several names.
func mergeNames(all []*archiveImage) []*archiveImage {
	type key struct {
		manifest digest.Digest
		index    string
		member   bool
	}
	var merged []*archiveImage
	at := make(map[key]*archiveImage)
	for _, image := range all {
		k := key{image.manifest.Digest, image.manifest.Annotations[indexAnnotation], image.member}
		if first, ok := at[k]; ok {
			first.names = append(first.names, image.names...)
			continue
		}
		at[k] = image
		merged = append(merged, image)
	}
	return merged
}

// findDockerImages returns the images in the manifest.json of a docker archive.
func findDockerImages(archive fs.FS, data []byte) ([]*archiveImage, error) {
	var items []dockerItem
	if err := json.Unmarshal(data, &items); err != nil {
		err = fmt.Errorf("manifest.json is not a docker archive's: %w", err)
		return nil, hint.New(err, "convert another format with: skopeo copy FORMAT:PATH oci-archive:FILE")
	}
	var all []*archiveImage
	for i, item := range items {
		image, err := dockerImage(archive, item)
		if err != nil {
			return nil, fmt.Errorf("manifest.json: image %d of %d: %w", i+1, len(items), err)
		}
		all = append(all, image)
	}
	return all, nil
}

// dockerImage returns the image of an entry of manifest.json.
func dockerImage(archive fs.FS, item dockerItem) (*archiveImage, error) {
	// the config
	if item.Config == "" {
		return nil, errors.New("config names no file")
	}
	configJSON, err := readFile(archive, path.Clean(item.Config), maxConfig)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if len(item.Layers) > maxLayers {
		return nil, fmt.Errorf("%d layers exceed the limit of %d", len(item.Layers), maxLayers)
	}
	parsed, err := parseConfig(configJSON, len(item.Layers))
	if err != nil {
		return nil, err
	}
	// the layers, of which only the diff IDs are known
	image := &archiveImage{config: describe(ocispec.MediaTypeImageConfig, configJSON), configJSON: configJSON}
	for i, file := range item.Layers {
		if file == "" {
			return nil, fmt.Errorf("layer %d of %d names no file", i+1, len(item.Layers))
		}
		file = path.Clean(file)
		st, err := fs.Stat(archive, file)
		if err != nil {
			return nil, fmt.Errorf("layer %d of %d: %w", i+1, len(item.Layers), err)
		}
		image.layers = append(image.layers, layerSource{File: file, Size: st.Size(), DiffID: parsed.RootFS.DiffIDs[i]})
	}
	// the names
	for _, tag := range item.RepoTags {
		full, err := Normalize(tag)
		if err != nil {
			return nil, err
		}
		image.names = append(image.names, full)
	}
	return image, nil
}

// makeManifest makes the manifest that a docker archive does not have, once the
// blobs of the layers are known.
func (i *archiveImage) makeManifest(layers []ocispec.Descriptor) error {
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: i.config, Layers: layers}
	m.SchemaVersion = 2
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	i.manifestJSON, i.manifest = data, describe(m.MediaType, data)
	return nil
}
