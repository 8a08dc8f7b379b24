// Package layers keeps the layers of images on disk, each unpacked once.
//
// A layer is a tar archive that says how one filesystem differs from the one
// below it: files that are new or changed, and whiteouts (names that begin
// with ".wh.") for what is gone. A layer is named by its diff ID, the SHA-256
// of the uncompressed tar. It does not depend on the layers below, so two
// images that share a layer share one folder:
//
//	layers/sha256/<hex of the diff ID>/diff    the unpacked tree
//	layers/sha256/<hex of the diff ID>/size    bytes in its regular files
//	layers/<first 8 hex digits>                a symbolic link to …/diff
//
// overlayfs stacks such folders: lowerdir=top:…:bottom. fsconfig(2) takes at
// most 255 bytes for a string, hence the short links: with Dir as the working
// directory, a stack of 28 layers still fits.
//
// The rules:
//   - A layer is unpacked in a scratch folder and becomes visible by one
//     rename(2), after it was checked and synced. What is visible is whole.
//   - Every folder here is 0700: a layer holds setuid files, and only root
//     may come near them outside a container.
//   - A digest is validated before it becomes part of a path.
package layers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// A Store is a folder of unpacked layers.
type Store struct{ dir string }

// New returns the store in the folder dir, which need not exist yet.
func New(dir string) *Store { return &Store{dir} }

// Dir is the folder that holds the short links and the trees.
func (s *Store) Dir() string { return s.dir }

// Path is the folder a layer is, or would be, unpacked in. For an invalid
// diff ID it is a path where nothing ever lies.
func (s *Store) Path(diffID digest.Digest) string {
	return filepath.Join(s.home(diffID), "diff")
}

// Short is the name, relative to Dir, of a symbolic link to Path.
func (s *Store) Short(diffID digest.Digest) string { return hex(diffID)[:8] }

// Has reports whether the layer is here.
func (s *Store) Has(diffID digest.Digest) bool {
	_, err := os.Stat(s.Path(diffID))
	return err == nil
}

// Size is how many bytes the layer's regular files hold, as docker history
// counts them: a hard link adds nothing, a hole counts as its length.
func (s *Store) Size(diffID digest.Digest) (int64, error) {
	text, err := os.ReadFile(filepath.Join(s.home(diffID), "size"))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// List returns the diff IDs of all layers here.
func (s *Store) List() ([]digest.Digest, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "sha256"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []digest.Digest
	for _, e := range entries {
		all = append(all, digest.NewDigestFromEncoded(digest.SHA256, e.Name()))
	}
	return all, nil
}

// Commit makes an unpacked layer visible. The caller has synced the file
// system before, and syncs the folders after: see Sync. A layer that is here
// already is left as it is.
func (s *Store) Commit(u *Unpacked) error {
	if err := os.MkdirAll(filepath.Join(s.dir, "sha256"), 0o700); err != nil {
		return err
	}
	err := unix.Rename(u.dir, s.home(u.DiffID))
	if err != nil && err != unix.ENOTEMPTY && err != unix.EEXIST {
		return fmt.Errorf("rename layer %s into place: %w", u.DiffID, err)
	}
	return s.link(u.DiffID)
}

func (s *Store) shortLink(diffID digest.Digest) (name, target string) {
	return filepath.Join(s.dir, s.Short(diffID)), filepath.Join("sha256", hex(diffID), "diff")
}

// link makes the short link. A link whose layer is gone was left by a crash.
func (s *Store) link(diffID digest.Digest) error {
	name, target := s.shortLink(diffID)
	err := os.Symlink(target, name)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	switch other, err := os.Readlink(name); {
	case err != nil:
		return err
	case other == target:
		return nil
	case exists(filepath.Join(s.dir, other)):
		return fmt.Errorf("link layer %s: its short name is taken by %s", diffID, other)
	}
	if err := os.Remove(name); err != nil {
		return err
	}
	return os.Symlink(target, name)
}

// Sync makes the names that Commit and Remove changed durable.
func (s *Store) Sync() error {
	for _, dir := range []string{filepath.Join(s.dir, "sha256"), s.dir} {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// Remove deletes a layer. First goes its link, so that none ever leads
// nowhere. It leaves by a rename into the folder scratch, and is taken apart
// there. That nobody uses it is the caller's to know.
func (s *Store) Remove(diffID digest.Digest, scratch string) error {
	if err := diffID.Validate(); err != nil {
		return err
	}
	link, target := s.shortLink(diffID)
	if other, err := os.Readlink(link); err == nil && other == target {
		if err := os.Remove(link); err != nil {
			return err
		}
	}
	dead := filepath.Join(scratch, hex(diffID))
	if err := os.Rename(s.home(diffID), dead); err != nil {
		return err
	}
	return os.RemoveAll(dead)
}

func (s *Store) home(diffID digest.Digest) string {
	return filepath.Join(s.dir, "sha256", hex(diffID))
}

// hex is a digest's part of a path: digits alone, whatever the digest claims.
func hex(d digest.Digest) string {
	if d.Validate() != nil || d.Algorithm() != digest.SHA256 {
		return "(invalid)"
	}
	return d.Encoded()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
