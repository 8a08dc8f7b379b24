package images

// What images use on disk: their manifests, configs and compressed layers, and the unpacked
// layers. Images share layers: each file counts once, so that the sum is that of the disk.

import (
	"errors"
	"os"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Usage is the disk usage of all images of a store, in bytes.
type Usage struct {
	Images      []ImageUsage
	Size        int64 // of all
	Reclaimable int64 // what removing the images that no container uses would free
	Active      int   // images that containers use
}

// ImageUsage is the disk usage of an image, in bytes. Size is the sum of Shared and Unique.
type ImageUsage struct {
	*Image
	Size       int64
	Shared     int64 // of files that other images have, too
	Unique     int64
	Containers int // that use it

	files map[string]int64 // sizes by name: a blob's digest, or a path in layers
}

// DiskUsage returns the disk usage of the images of s, each once, by its first name. The
// error names those that are damaged; the others are counted.
func DiskUsage(s *Store) (*Usage, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	u := &Usage{}
	var unread []error
	listed := make(map[digest.Digest]bool)
	for _, d := range index {
		if listed[d.Digest] {
			continue
		}
		listed[d.Digest] = true
		image, err := imageUsage(s, d)
		if err != nil {
			unread = append(unread, err)
			continue
		}
		u.Images = append(u.Images, image)
	}
	u.sum()
	return u, errors.Join(unread...)
}

// imageUsage returns the files and users of an image, without sums.
func imageUsage(s *Store, d ocispec.Descriptor) (image ImageUsage, err error) {
	if image.Image, err = s.read(d); err != nil {
		return image, err
	}
	if image.files, err = imageFiles(s, d); err != nil {
		return image, err
	}
	by, err := users(s, d)
	image.Containers = len(by)
	return image, err
}

// sum adds the sizes up.
func (u *Usage) sum() {
	users := make(map[string]int) // images that have the file
	needed := make(map[string]bool)
	for _, image := range u.Images {
		if image.Containers > 0 {
			u.Active++
		}
		for file := range image.files {
			users[file]++
			needed[file] = needed[file] || image.Containers > 0
		}
	}
	counted := make(map[string]bool)
	for i := range u.Images {
		image := &u.Images[i]
		for file, size := range image.files {
			image.Size += size
			if users[file] > 1 {
				image.Shared += size
			} else {
				image.Unique += size
			}
			if counted[file] {
				continue
			}
			counted[file] = true
			u.Size += size
			if !needed[file] {
				u.Reclaimable += size
			}
		}
	}
}

// imageFiles returns the sizes of the blobs and unpacked layers of an image, for all its
// platforms.
func imageFiles(s *Store, d ocispec.Descriptor) (map[string]int64, error) {
	blobs, trees := make(map[digest.Digest]bool), make(map[digest.Digest]bool)
	if err := reachEntry(s, d, blobs, trees); err != nil {
		return nil, err
	}
	files := make(map[string]int64)
	for blob := range blobs {
		st, err := os.Stat(s.blobPath(blob))
		if err != nil {
			return nil, damaged(d, err)
		}
		files[blob.String()] = st.Size()
	}
	for diffID := range trees {
		size, err := s.layers.Size(diffID)
		if err != nil {
			return nil, damaged(d, err)
		}
		files["layers/"+diffID.String()] = size
	}
	return files, nil
}
