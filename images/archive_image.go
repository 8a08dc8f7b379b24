package images

// What an archive holds is found from its first document. An OCI layout has
// oci-layout and index.json, whose descriptors lead to manifests. A docker
// archive has manifest.json, a list of {Config, RepoTags, Layers}, where the
// files lie under any name. Docker since version 25 writes both, about the
// same blobs; then the OCI form counts, because it names each by its digest.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// An archiveImage is an image in an archive, checked but for its layers.
type archiveImage struct {
	names        []string // complete; none for an image without a name
	manifest     ocispec.Descriptor
	manifestJSON []byte // empty until the digests of all layers are known
	config       ocispec.Descriptor
	configJSON   []byte
	layers       []layerSource
}

// A layerSource is where a layer lies in the archive, and what it must be.
type layerSource struct {
	file   string
	size   int64
	blob   digest.Digest // empty where only the diff ID is known before
	diffID digest.Digest
}

func findImages(archive fs.FS) ([]*archiveImage, error) {
	if _, err := fs.Stat(archive, ocispec.ImageLayoutFile); err == nil {
		return findLayoutImages(archive)
	}
	data, err := readFile(archive, "manifest.json", maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("neither oci-layout nor manifest.json in it: not an image archive")
	}
	if err != nil {
		return nil, err
	}
	return findDockerImages(archive, data)
}

// readFile reads a small file of the archive.
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

// layoutCandidates walks an OCI layout's index. Descriptors of one name are
// one image for several platforms.
func findLayoutImages(archive fs.FS) ([]*archiveImage, error) {
	layout, err := readFile(archive, ocispec.ImageLayoutFile, maxManifest)
	if err != nil {
		return nil, err
	}
	var version ocispec.ImageLayout
	if err := json.Unmarshal(layout, &version); err != nil || version.Version != ocispec.ImageLayoutVersion {
		return nil, fmt.Errorf("oci-layout: unknown version %q", version.Version)
	}
	data, err := readFile(archive, ocispec.ImageIndexFile, maxManifest)
	if err != nil {
		return nil, err
	}
	index, err := parseIndex(data, ocispec.MediaTypeImageIndex)
	if err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	var all []*archiveImage
	for _, group := range groupByName(index) {
		c, err := layoutImage(archive, group, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return mergeNames(all), nil
}

// groupByName keeps together what an index offers under one name. Without
// name and platform each descriptor stands for itself.
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

// annotatedName is the image's name in a descriptor: whole in containerd's
// annotation, which docker and podman write too, or in the spec's own.
func annotatedName(d ocispec.Descriptor) string {
	for _, key := range []string{containerdName, ocispec.AnnotationRefName} {
		if full, err := Normalize(d.Annotations[key]); err == nil {
			return full
		}
	}
	return ""
}

const containerdName = "io.containerd.image.name"

// layoutCandidate follows descriptors to the manifest for this machine.
func layoutImage(archive fs.FS, offers []ocispec.Descriptor, depth int) (*archiveImage, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("indexes are nested deeper than %d", maxDepth)
	}
	d := offers[0]
	if len(offers) > 1 || depth > 0 {
		var err error
		if d, err = choose(offers); err != nil {
			return nil, err
		}
	}
	data, err := readArchiveBlob(archive, d, maxManifest)
	if err != nil {
		return nil, err
	}
	if isIndex(d.MediaType) {
		inner, err := parseIndex(data, d.MediaType)
		if err != nil {
			return nil, err
		}
		if len(inner) == 0 {
			return nil, fmt.Errorf("index %s is empty", d.Digest)
		}
		c, err := layoutImage(archive, inner, depth+1)
		if err == nil && depth == 0 {
			c.setName(annotatedName(offers[0]))
		}
		return c, err
	}
	if !isManifest(d.MediaType) {
		return nil, fmt.Errorf("blob %s: type %q is neither a manifest nor an index", d.Digest, d.MediaType)
	}
	c, err := manifestImage(archive, d, data)
	if err == nil && depth == 0 {
		c.setName(annotatedName(d))
	}
	return c, err
}

func (c *archiveImage) setName(name string) {
	if name != "" {
		c.names = []string{name}
	}
}

func manifestImage(archive fs.FS, d ocispec.Descriptor, data []byte) (*archiveImage, error) {
	config, layers, err := parseManifest(data, d.MediaType)
	if err != nil {
		return nil, err
	}
	configJSON, err := readArchiveBlob(archive, config, maxConfig)
	if err != nil {
		return nil, err
	}
	image, err := parseConfig(configJSON, len(layers))
	if err != nil {
		return nil, err
	}
	c := &archiveImage{
		manifest: ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, manifestJSON: data,
		config: config, configJSON: configJSON,
	}
	for i, l := range layers {
		c.layers = append(c.layers, layerSource{blobFile(l.Digest), l.Size, l.Digest, image.RootFS.DiffIDs[i]})
	}
	return c, nil
}

// blobFile is where an OCI layout has a blob. The digest must be checked.
func blobFile(d digest.Digest) string {
	return path.Join(ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}

func readArchiveBlob(archive fs.FS, d ocispec.Descriptor, max int64) ([]byte, error) {
	if err := check(d, max); err != nil {
		return nil, err
	}
	f, err := archive.Open(blobFile(d.Digest))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readVerified(f, d)
}

// merge joins images that are one image under several names.
func mergeNames(all []*archiveImage) []*archiveImage {
	var merged []*archiveImage
	at := make(map[digest.Digest]*archiveImage)
	for _, c := range all {
		if first, ok := at[c.manifest.Digest]; ok {
			first.names = append(first.names, c.names...)
			continue
		}
		at[c.manifest.Digest] = c
		merged = append(merged, c)
	}
	return merged
}

// dockerCandidates reads a docker archive's manifest.json.
func findDockerImages(archive fs.FS, data []byte) ([]*archiveImage, error) {
	type image struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	var items []image
	if err := json.Unmarshal(data, &items); err != nil {
		err = fmt.Errorf("manifest.json is no docker archive's: %w", err)
		return nil, hint.New(err, "for other forms: skopeo copy FORM:PATH oci-archive:FILE, and load that")
	}
	var all []*archiveImage
	for _, item := range items {
		c, err := dockerImage(archive, item.Config, item.Layers)
		if err != nil {
			return nil, err
		}
		for _, tag := range item.RepoTags {
			full, err := Normalize(tag)
			if err != nil {
				return nil, fmt.Errorf("manifest.json: %w", err)
			}
			c.names = append(c.names, full)
		}
		all = append(all, c)
	}
	return all, nil
}

func dockerImage(archive fs.FS, configFile string, files []string) (*archiveImage, error) {
	configJSON, err := readFile(archive, path.Clean(configFile), maxConfig)
	if err != nil {
		return nil, err
	}
	if len(files) > maxLayers {
		return nil, fmt.Errorf("manifest.json: %d layers are more than %d", len(files), maxLayers)
	}
	image, err := parseConfig(configJSON, len(files))
	if err != nil {
		return nil, err
	}
	c := &archiveImage{config: describe(ocispec.MediaTypeImageConfig, configJSON), configJSON: configJSON}
	for i, file := range files {
		file = path.Clean(file)
		st, err := fs.Stat(archive, file)
		if err != nil {
			return nil, err
		}
		c.layers = append(c.layers, layerSource{file: file, size: st.Size(), diffID: image.RootFS.DiffIDs[i]})
	}
	return c, nil
}

// describe makes the descriptor of a document.
func describe(mediaType string, data []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
}

// makeManifest writes the manifest that a docker archive lacks, once it is
// known what its layers are.
func (c *archiveImage) makeManifest(layers []ocispec.Descriptor) error {
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: c.config, Layers: layers}
	m.SchemaVersion = 2
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	c.manifestJSON, c.manifest = data, describe(m.MediaType, data)
	return nil
}
