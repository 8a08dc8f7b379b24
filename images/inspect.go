package images

import (
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// An Inspection is an image in the format of docker inspect, without the fields
// that are about docker's own store.
type Inspection struct {
	Id           string   // of the config; docker's spelling, for templates
	RepoTags     []string // all names, familiar
	RepoDigests  []string // their repositories with the digest that the registry has
	Created      string   `json:",omitempty"` // RFC 3339
	Author       string
	Config       runConfig
	Architecture string
	Variant      string `json:",omitempty"`
	Os           string
	Size         int64 // of the unpacked layers, in bytes
	RootFS       struct {
		Type   string
		Layers []digest.Digest
	}
	GraphDriver struct {
		Name string
		Data map[string]string
	}
	Descriptor ocispec.Descriptor // of the manifest
}

// ID is Id, as docker's templates may spell it.
func (i *Inspection) ID() string { return i.Id }

// Inspect returns the image of a name or ID.
func (s *Store) Inspect(name string) (*Inspection, error) {
	index, d, err := s.lookup(name)
	if err != nil {
		return nil, err
	}
	image, err := s.read(d)
	if err != nil {
		return nil, err
	}
	// the config
	c := image.Config
	i := &Inspection{
		Id: image.ID.String(), RepoTags: []string{}, RepoDigests: []string{}, Author: c.Author,
		Config:       runConfig{c.Config, image.Docker},
		Architecture: c.Architecture, Variant: c.Variant, Os: c.OS, Size: image.Size, Descriptor: bare(d),
	}
	if c.Created != nil {
		i.Created = c.Created.Format("2006-01-02T15:04:05.999999999Z07:00")
	}
	// the layers
	i.RootFS.Type, i.RootFS.Layers = c.RootFS.Type, image.Layers
	i.GraphDriver.Name, i.GraphDriver.Data = "overlay", lowerDirs(s, image)
	// the names
	for _, other := range index {
		if other.Digest == d.Digest && nameOf(other) != "" {
			i.addName(Familiar(nameOf(other)), image.Digest)
		}
	}
	return i, nil
}

// addName adds a name to RepoTags and RepoDigests.
func (i *Inspection) addName(familiar string, inRegistry digest.Digest) {
	repository, _ := Split(familiar)
	if !strings.Contains(familiar, "@") {
		i.RepoTags = append(i.RepoTags, familiar)
	}
	if at := repository + "@" + inRegistry.String(); !slices.Contains(i.RepoDigests, at) {
		i.RepoDigests = append(i.RepoDigests, at)
	}
}

// lowerDirs returns the layers in the format of overlayfs: the top one first.
func lowerDirs(s *Store, image *Image) map[string]string {
	var dirs []string
	for _, d := range slices.Backward(image.Layers) {
		dirs = append(dirs, s.layers.Path(d))
	}
	return map[string]string{"LowerDir": strings.Join(dirs, ":")}
}
