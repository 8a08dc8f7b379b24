package images

// What lies in the store and leads from no name. None of it is seen by any
// command, and the next load or prune removes it, so these are notes. Only a
// container whose image has gone is a problem: it cannot be started again.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/opencontainers/go-digest"
)

// containers looks whether each has its image. A file that is empty was left
// by a run that was killed, and the next one removes its directory.
func (f *fsck) containers() error {
	if f.incomplete {
		return nil
	}
	files, err := filepath.Glob(f.s.path("containers", "*", "image"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(text) == 0 {
			continue
		}
		if err != nil {
			return err
		}
		manifest := digest.Digest(strings.TrimSpace(string(text)))
		if f.manifests[manifest] == nil {
			id := filepath.Base(filepath.Dir(file))
			f.problem(f.below(file), "minictr rm "+id, nil, fmt.Errorf("no image has the manifest %s", manifest))
		}
	}
	return nil
}

func (f *fsck) note(name, what, hint string) {
	f.Notes = append(f.Notes, Finding{Path: name, What: what, Hint: hint})
}

// left notes what nobody needs. Where it is not known what is needed, that is
// not noted of blobs and layers.
func (f *fsck) leftovers() error {
	return errors.Join(
		f.each("blobs/sha256", f.leftoverBlob), f.each("layers/sha256", f.leftoverTree), f.each("layers", f.leftoverLink),
		f.each("tmp", f.leftoverScratch), f.each("partial", f.leftoverPartial))
}

func (f *fsck) each(dir string, look func(dir string, e fs.DirEntry)) error {
	entries, err := os.ReadDir(f.s.path(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		look(dir, e)
	}
	return nil
}

const unreferenced = "no image needs it, unless one is being loaded"

func (f *fsck) leftoverBlob(dir string, e fs.DirEntry) {
	_, needed := f.blobs[digest.NewDigestFromEncoded(digest.SHA256, e.Name())]
	if !needed && !f.incomplete {
		f.note(path.Join(dir, e.Name()), unreferenced, hintPrune)
	}
}

func (f *fsck) leftoverTree(dir string, e fs.DirEntry) {
	if !f.trees[digest.NewDigestFromEncoded(digest.SHA256, e.Name())] && !f.incomplete {
		f.note(path.Join(dir, e.Name()), unreferenced, hintPrune)
	}
}

// leftLink notes links to nothing. One that an image needs is a problem and
// was found before.
func (f *fsck) leftoverLink(dir string, e fs.DirEntry) {
	if e.Type() != fs.ModeSymlink {
		return
	}
	for d := range f.trees {
		if f.s.layers.Short(d) == e.Name() {
			return
		}
	}
	if _, err := os.Stat(f.s.path(dir, e.Name())); errors.Is(err, fs.ErrNotExist) {
		f.note(path.Join(dir, e.Name()), "it leads to a layer that is gone", "a layer that needs the name takes it")
	}
}

func (f *fsck) leftoverScratch(dir string, e fs.DirEntry) {
	if f.abandoned(dir, e) {
		f.note(path.Join(dir, e.Name()), "it was left by a command that was killed", "the next load, pull or prune removes it")
	}
}

func (f *fsck) leftoverPartial(dir string, e fs.DirEntry) {
	if f.abandoned(dir, e) {
		f.note(path.Join(dir, e.Name()), "it was left by a pull that was interrupted", "the same pull goes on with it; "+hintPrune)
	}
}

// abandoned: nobody holds its lock (see lock.go and partial.go).
func (f *fsck) abandoned(dir string, e fs.DirEntry) bool {
	file, err := lockfile.Try(f.s.path(dir, e.Name()), lockfile.Shared)
	file.Close()
	return err == nil
}
