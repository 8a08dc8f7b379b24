package layers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/minictr/minictr/internal/owned"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// A Store is a directory of unpacked layers, as the package comment draws it.
type Store struct{ dir string }

// New returns the store in the directory dir, which need not exist.
func New(dir string) *Store { return &Store{dir} }

// Dir returns the directory of the short links and the trees.
func (s *Store) Dir() string { return s.dir }

// Path returns the directory that the tree of a layer has, or would have. For
// an invalid diff ID it returns a path that never exists.
func (s *Store) Path(diffID digest.Digest) string {
	return filepath.Join(s.home(diffID), "diff")
}

// Short returns the name, relative to Dir, of the symbolic link to Path.
func (s *Store) Short(diffID digest.Digest) string { return hex(diffID)[:8] }

// Has reports whether the store has the layer, and that its tree, size and link are
// there.
func (s *Store) Has(diffID digest.Digest) bool {
	name, target := s.shortLink(diffID)
	text, linked := os.Readlink(name)
	_, sized := s.Size(diffID)
	return isDir(s.Path(diffID)) && sized == nil && linked == nil && text == target
}

// Size returns the bytes in the layer's regular files, as docker history counts
// them: a hard link adds nothing, a hole counts as its length.
func (s *Store) Size(diffID digest.Digest) (int64, error) {
	text, err := os.ReadFile(filepath.Join(s.home(diffID), "size"))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// List returns the diff IDs of all layers in the store. Other files are not listed.
func (s *Store) List() ([]digest.Digest, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "sha256"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []digest.Digest
	for _, e := range entries {
		if d := digest.NewDigestFromEncoded(digest.SHA256, e.Name()); e.IsDir() && d.Validate() == nil {
			all = append(all, d)
		}
	}
	return all, nil
}

// Commit makes an unpacked layer visible. The caller syncs the filesystem
// before (syncfs(2)) and the directories after: see Sync. A layer that the
// store has already stays as it is, but for what is damaged: a container may use it.
func (s *Store) Commit(u *Unpacked) error {
	if err := os.MkdirAll(filepath.Join(s.dir, "sha256"), 0o700); err != nil {
		return err
	}
	err := unix.Rename(u.dir, s.home(u.DiffID))
	if err != nil && err != unix.ENOTEMPTY && err != unix.EEXIST {
		return fmt.Errorf("rename layer %s into place: %w", u.DiffID, err)
	}
	if err != nil && !s.Has(u.DiffID) {
		if err := s.heal(u); err != nil {
			return fmt.Errorf("repair layer %s: %w", u.DiffID, err)
		}
	}
	return s.link(u.DiffID)
}

// heal replaces the parts of a layer that are missing or damaged.
func (s *Store) heal(u *Unpacked) error {
	if n, err := s.Size(u.DiffID); err != nil || n != u.Size {
		if err := os.Rename(filepath.Join(u.dir, "size"), filepath.Join(s.home(u.DiffID), "size")); err != nil {
			return err
		}
	}
	if isDir(s.Path(u.DiffID)) {
		return nil
	}
	return os.Rename(filepath.Join(u.dir, "diff"), s.Path(u.DiffID))
}

func (s *Store) shortLink(diffID digest.Digest) (name, target string) {
	return filepath.Join(s.dir, s.Short(diffID)), filepath.Join("sha256", hex(diffID), "diff")
}

// link makes the short link. It replaces a dangling one, which a crash left.
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
	case exists(filepath.Join(s.dir, other)) || !isTarget(other):
		return fmt.Errorf("link layer %s: short name is taken by %s", diffID, other)
	}
	if err := os.Remove(name); err != nil {
		return err
	}
	return os.Symlink(target, name)
}

// isTarget reports whether a text is that of a short link.
func isTarget(text string) bool {
	hex, isDiff := strings.CutSuffix(strings.TrimPrefix(text, "sha256/"), "/diff")
	return isDiff && digest.NewDigestFromEncoded(digest.SHA256, hex).Validate() == nil
}

// Sync writes the names that Commit and Remove changed to disk (fsync(2)).
func (s *Store) Sync() error {
	for _, dir := range []string{filepath.Join(s.dir, "sha256"), s.dir} {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// Remove deletes a layer: first its link, so that no link dangles, then its
// directory, which is renamed into the directory scratch and removed there. The
// caller makes sure that no container uses the layer.
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
	return owned.RemoveAll(dead)
}

func (s *Store) home(diffID digest.Digest) string {
	return filepath.Join(s.dir, "sha256", hex(diffID))
}

// hex returns the digits of a digest. They are safe in a path, whatever d is.
func hex(d digest.Digest) string {
	if d.Validate() != nil || d.Algorithm() != digest.SHA256 {
		return "(invalid)"
	}
	return d.Encoded()
}

func isDir(path string) bool {
	st, err := os.Lstat(path)
	return err == nil && st.IsDir()
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
