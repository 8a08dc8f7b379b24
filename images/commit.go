package images

// A commit makes images visible, in an order that keeps them complete after a
// crash:
//
//  1. Write configs and manifests into the scratch directory.
//  2. syncfs(2), once: cheaper than fsync(2) of each file.
//  3. Rename layers and blobs into place, and sync their directories.
//  4. Write the names into index.json.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// commit makes images and their staged layers visible. It returns their names.
func (l *loader) commit(images []*archiveImage) ([]string, error) {
	for _, image := range images {
		if err := l.writeDocuments(image); err != nil {
			return nil, err
		}
	}
	if err := unix.Syncfs(int(l.scratch.dir.Fd())); err != nil {
		return nil, fmt.Errorf("syncfs %s: %w", l.scratch.path, err)
	}
	if err := l.begin(); err != nil {
		return nil, err
	}
	if err := l.rename(images); err != nil {
		return nil, err
	}
	return l.tag(images)
}

// begin makes the store an OCI layout, before its first blob: an index without images,
// and then oci-layout.
func (l *loader) begin() error {
	_, err := os.Stat(l.store.path(ocispec.ImageLayoutFile))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	keep := func(index []ocispec.Descriptor) []ocispec.Descriptor { return index }
	if err := l.store.changeIndex(l.scratch, keep); err != nil {
		return err
	}
	return publishLayout(l.store, l.scratch)
}

// publishLayout writes the file oci-layout.
func publishLayout(s *Store, scratch *scratch) error {
	layout := `{"imageLayoutVersion": "` + ocispec.ImageLayoutVersion + `"}`
	return s.publish(scratch, ocispec.ImageLayoutFile, []byte(layout))
}

// writeDocuments writes the config and the manifest of an image.
func (l *loader) writeDocuments(image *archiveImage) error {
	if image.manifestJSON == nil {
		var blobs []ocispec.Descriptor
		for _, src := range image.layers {
			blobs = append(blobs, l.jobs[src].desc)
		}
		if err := image.makeManifest(blobs); err != nil {
			return err
		}
	}
	for _, blob := range image.documents() {
		err := writeFile(l.scratch.file(blob.digest.Encoded()), blob.data)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// documents returns the documents of an image in the order in which they become visible:
// a manifest is in the store when all that it refers to is.
func (i *archiveImage) documents() []extraBlob {
	return append(slices.Clone(i.extra),
		extraBlob{i.config.Digest, i.configJSON}, extraBlob{i.manifest.Digest, i.manifestJSON})
}

// rename renames layers and blobs out of the scratch directory.
func (l *loader) rename(images []*archiveImage) error {
	// layers and their blobs
	committed := make(map[*stagedLayer]bool) // one may serve two jobs
	for _, j := range l.order {
		if committed[j.staged] {
			continue
		}
		committed[j.staged] = true
		if err := l.store.layers.Commit(j.staged.unpacked); err != nil {
			return err
		}
		if err := os.Rename(j.staged.file, l.store.blobPath(j.desc.Digest)); err != nil {
			return err
		}
	}
	// configs and manifests
	for _, image := range images {
		for _, blob := range image.documents() {
			err := os.Rename(l.scratch.file(blob.digest.Encoded()), l.store.blobPath(blob.digest))
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // two images may share it
				return err
			}
		}
	}
	// the directories
	if len(l.order) > 0 {
		if err := l.store.layers.Sync(); err != nil {
			return err
		}
	}
	return syncDir(l.store.path("blobs", "sha256"))
}

// tag writes the names.
func (l *loader) tag(images []*archiveImage) ([]string, error) {
	// collect names and sizes
	var names []string
	sizes := make([][]int64, len(images))
	for i, image := range images {
		if image.member {
			continue
		}
		names = append(names, image.names...)
		if len(image.names) == 0 {
			names = append(names, image.config.Digest.String())
		}
		for _, src := range image.layers {
			n, err := l.store.layers.Size(src.DiffID)
			if err != nil {
				return nil, err
			}
			sizes[i] = append(sizes[i], n)
		}
	}
	return names, l.store.changeIndex(l.scratch, func(index []ocispec.Descriptor) []ocispec.Descriptor {
		for i, image := range images {
			if !image.member {
				index = tag(index, image.manifest, image.names, sizes[i])
			}
		}
		return index
	})
}
