package images

// Import makes an image of one layer from a tar of a root filesystem, as export writes it.
// It has the steps of load.go, and makes what an archive has beside its layers: the config.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ImportOptions are the options of Import.
type ImportOptions struct {
	Name     string   // NAME[:TAG] of the image; "" for none
	Message  string   // comment of its history
	Changes  []string // instructions that make its config: see change.go
	Platform string   // os/arch[/variant]; "" is this machine

	Progress func(done, total int64) // is called with the bytes that were read; may be nil
}

// Import makes an image from a tar, compressed or not, and returns its ID.
func (s *Store) Import(ctx context.Context, r io.Reader, o ImportOptions) (id digest.Digest, err error) {
	image, names, err := importedImage(o)
	if err != nil {
		return "", err
	}
	if err := s.Create(); err != nil {
		return "", err
	}
	if err := s.tidy("import"); err != nil {
		return "", err
	}
	err = s.locked(lockfile.Shared, "import", func(scratch *scratch) (err error) {
		l := &loader{store: s, scratch: scratch, progress: o.Progress, jobs: make(map[layerSource]*job)}
		id, err = l.importImage(ctx, r, image, o.Message, names)
		return err
	})
	if err != nil {
		return "", err
	}
	for _, name := range names {
		event(s, "tag", id.String(), Familiar(name))
	}
	event(s, "import", id.String(), id.String())
	return id, nil
}

// importedImage returns the config of an imported image, without its layer, and its
// complete names: one or none.
func importedImage(o ImportOptions) (image *dockerImageConfig, names []string, err error) {
	image = &dockerImageConfig{}
	if image.Platform, err = parsePlatform(o.Platform); err != nil {
		return nil, nil, err
	}
	for _, text := range o.Changes {
		if err := image.Config.change(text); err != nil {
			return nil, nil, fmt.Errorf("--change %q: %w", text, err)
		}
	}
	if strings.Contains(o.Name, "@") {
		return nil, nil, hint.New(fmt.Errorf("import %s: a digest cannot be assigned", o.Name), "write NAME:TAG")
	}
	if o.Name == "" {
		return image, nil, nil
	}
	full, err := Normalize(o.Name)
	return image, []string{full}, err
}

// importImage unpacks the layer, and commits it with the config.
func (l *loader) importImage(
	ctx context.Context, r io.Reader, config *dockerImageConfig, message string, names []string,
) (digest.Digest, error) {
	// the layer
	staged, err := l.newStagedLayer()
	if err != nil {
		return "", err
	}
	defer staged.out.Close()
	if err := staged.unpack(ctx, r); err != nil {
		return "", err
	}
	if staged.size == 0 { // as of a pipe from a command that failed
		return "", errors.New("archive is empty")
	}
	if err := staged.decompress(ctx); err != nil {
		return "", err
	}
	src := layerSource{DiffID: staged.unpacked.DiffID}
	j := &job{layerSource: src, staged: staged, desc: staged.descriptor()}
	l.jobs[src], l.order = j, []*job{j}
	// the config
	now := time.Now().UTC()
	config.Created = &now
	config.RootFS = ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{src.DiffID}}
	config.History = []ocispec.History{{Created: &now, Comment: message}}
	data, err := json.Marshal(config)
	if err != nil {
		return "", err
	}
	image := &archiveImage{
		names: names, config: describe(ocispec.MediaTypeImageConfig, data), configJSON: data,
		layers: []layerSource{src},
	}
	_, err = l.commit([]*archiveImage{image})
	return image.config.Digest, err
}
