package images

// Which files in the directories of the store minictr has made, by their names and types.
// No other is removed (package owned).

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/minictr/minictr/internal/owned"
	"github.com/opencontainers/go-digest"
)

// own returns the paths of those files in a directory of the store that is holds for.
func (s *Store) own(dir string, is func(path string, e fs.DirEntry) bool) (paths []string, err error) {
	entries, err := os.ReadDir(s.path(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if path := s.path(dir, e.Name()); is(path, e) {
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// isBlob holds for partial blobs, too.
func isBlob(_ string, e fs.DirEntry) bool {
	return e.Type().IsRegular() && digest.NewDigestFromEncoded(digest.SHA256, e.Name()).Validate() == nil
}

func isTree(_ string, e fs.DirEntry) bool {
	return e.IsDir() && digest.NewDigestFromEncoded(digest.SHA256, e.Name()).Validate() == nil
}

func isContainer(_ string, e fs.DirEntry) bool { return e.IsDir() }

// isLink holds for what the directory layers has: short links, sha256 and init layers,
// which are directories.
func isLink(_ string, e fs.DirEntry) bool { return e.IsDir() || e.Type() == fs.ModeSymlink }

// scratchPrefix begins the name of a scratch directory.
const scratchPrefix = "scratch-"

func isScratch(path string, e fs.DirEntry) bool {
	return strings.HasPrefix(e.Name(), scratchPrefix) && owned.IsDir(path)
}
