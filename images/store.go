// Package images keeps images: it loads them from archives, names them, lists
// them and removes them.
//
// An image is three kinds of blob, each named by the SHA-256 of its bytes: a
// manifest names a config and layers; the config says how to run it, and which
// diff IDs its layers unpack to. The digest of the config is the image's ID.
//
// The store is an OCI image layout (image-spec, image-layout.md), so skopeo
// and crane read it too, with the layers unpacked beside it:
//
//	oci-layout          {"imageLayoutVersion": "1.0.0"}
//	index.json          names → manifests
//	blobs/sha256/<hex>  manifests and configs (0644), layers as they came (0600)
//	layers/             see package layers (0700)
//	tmp/                what is being made (0700)
//	partial/            what was begun to be fetched, see partial.go (0700)
//	lock, index.lock    see lock.go
//
// The rules:
//   - Bytes from outside become visible after their digest was checked, by a
//     rename(2) out of tmp, blobs first, an image's name in index.json last.
//     A crash leaves nothing that is seen; what it leaves the next load removes.
//   - Who may read the store's root (0711) reads names and configs, so that
//     a plan needs no privileges; the files in the layers are root's alone.
package images

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// A Store is a directory of images.
type Store struct {
	root   string
	layers *layers.Store
}

// Open returns the store in the directory root. It makes nothing: a store that
// is not there yet is empty.
func Open(root string) (*Store, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	return &Store{root, layers.New(filepath.Join(root, "layers"))}, nil
}

// Layers returns the unpacked layers of the store's images.
func (s *Store) Layers() *layers.Store { return s.layers }

func (s *Store) path(elem ...string) string {
	return filepath.Join(append([]string{s.root}, elem...)...)
}

// blobPath is where the blob of a digest lies. The digest must be checked.
func (s *Store) blobPath(d digest.Digest) string {
	return s.path("blobs", "sha256", d.Encoded())
}

// create makes the store's directories, and mends their modes.
func (s *Store) create() error {
	for _, dir := range []struct {
		path string
		mode fs.FileMode
	}{
		{s.root, 0o711},
		{s.path("blobs"), 0o755},
		{s.path("blobs", "sha256"), 0o755},
		{s.layers.Dir(), 0o700},
		{s.path("tmp"), 0o700},
	} {
		if err := os.MkdirAll(dir.path, dir.mode); err != nil {
			return err
		}
		if err := os.Chmod(dir.path, dir.mode); err != nil {
			return err
		}
	}
	return nil
}

// publish replaces a file at the root, all at once and for good.
func (s *Store) publish(scratch *scratch, name string, text []byte) error {
	temp := scratch.file(name)
	if err := writeFile(temp, text); err != nil {
		return err
	}
	if err := os.Rename(temp, s.path(name)); err != nil {
		return err
	}
	return syncDir(s.root)
}

// writeFile writes a file that all may read, and syncs it.
func writeFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
}

func (s *Store) hintRoom(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return hint.New(err, "make room on the disk that holds "+s.root+", or name another store with --root")
	}
	return err
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// readBlob reads the store's own copy of a small blob.
func (s *Store) readBlob(d ocispec.Descriptor, max int64) ([]byte, error) {
	if err := check(d, max); err != nil {
		return nil, err
	}
	f, err := os.Open(s.blobPath(d.Digest))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readVerified(f, d)
}

// readVerified reads exactly what a checked descriptor describes.
func readVerified(r io.Reader, d ocispec.Descriptor) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, d.Size+1))
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", d.Digest, err)
	}
	if int64(len(data)) != d.Size {
		return nil, fmt.Errorf("blob %s is not %d bytes long", d.Digest, d.Size)
	}
	if got := digest.FromBytes(data); got != d.Digest {
		return nil, fmt.Errorf("blob %s has the digest %s", d.Digest, got)
	}
	return data, nil
}
