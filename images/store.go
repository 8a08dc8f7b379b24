package images

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// A Store is a directory of images, as the package comment draws it.
type Store struct {
	root   string
	marked bool // it has the mark of a store (package owned)
	layers *layers.Store
}

// Open returns the store in the directory root. It makes no directory: a store
// that does not exist is empty. A directory with files that is no store is an error.
func Open(root string) (*Store, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	marked, err := owned.Check(root, owned.Store)
	if err != nil {
		return nil, err
	}
	return &Store{root, marked, layers.New(filepath.Join(root, "layers"))}, nil
}

// Layers returns the store of the unpacked layers.
func (s *Store) Layers() *layers.Store { return s.layers }

// path returns a path below the root.
func (s *Store) path(elem ...string) string {
	return filepath.Join(append([]string{s.root}, elem...)...)
}

// blobPath returns the path of a blob. The digest must be valid.
func (s *Store) blobPath(d digest.Digest) string {
	return s.path("blobs", "sha256", d.Encoded())
}

// Create makes the root of the store and its mark, then the directories in it, and
// corrects their modes. A store that exists stays as it is.
func (s *Store) Create() error {
	if !s.marked {
		if err := os.MkdirAll(s.root, 0o711); err != nil {
			return err
		}
		if err := errors.Join(owned.Mark(s.root, owned.Store), syncDir(s.root)); err != nil {
			return err
		}
		s.marked = true
	}
	for _, dir := range []struct {
		path string
		mode fs.FileMode
	}{
		{s.root, 0o711},
		{s.path("blobs"), 0o711},
		{s.path("blobs", "sha256"), 0o711},
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

// hintRoom adds a hint to the error of a full filesystem or quota.
func hintRoom(s *Store, err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return hint.New(err, "free space in the filesystem of "+s.root+", or use another store with --root")
	}
	return err
}

// syncDir writes the names in a directory to disk (fsync(2)).
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// readBlob reads and verifies a blob of at most max bytes.
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

// readVerified reads the blob of a valid descriptor and verifies it.
func readVerified(r io.Reader, d ocispec.Descriptor) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, d.Size+1))
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", d.Digest, err)
	}
	if int64(len(data)) != d.Size {
		return nil, fmt.Errorf("blob %s: size is not %d bytes", d.Digest, d.Size)
	}
	if got := digest.FromBytes(data); got != d.Digest {
		return nil, fmt.Errorf("blob %s: digest is %s", d.Digest, got)
	}
	return data, nil
}
