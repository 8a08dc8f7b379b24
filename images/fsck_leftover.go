package images

// A leftover is a file of the store that no name refers to. No command sees it,
// and the next load or prune removes it, so it is a note. Only a container whose
// image is gone is a problem: it cannot be started again.

import (
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/opencontainers/go-digest"
)

// containers verifies that the store has the image of each container. An empty
// file was left by a run that was killed, and the next run removes it.
func (f *fsck) containers() error {
	if f.incomplete {
		return nil
	}
	all, err := f.s.containers()
	for _, c := range all {
		if c.manifest != "" && f.manifests[c.manifest] == nil {
			file := path.Join("containers", c.id, "image")
			what := "image not found: manifest " + c.manifest.String()
			f.Problems = append(f.Problems, Finding{Path: file, What: what, Hint: "minictr rm " + c.id})
		}
	}
	return err
}

// note adds a note.
func (f *fsck) note(name, what, hint string) {
	f.Notes = append(f.Notes, Finding{Path: name, What: what, Hint: hint})
}

// leftovers adds notes about leftovers; if references are unknown, not about blobs
// and layers.
func (f *fsck) leftovers() error {
	return errors.Join(
		f.each("blobs/sha256", isBlob, f.leftoverBlob), f.each("layers/sha256", isTree, f.leftoverTree),
		f.each("layers", isLink, f.leftoverLink),
		f.each("tmp", isScratch, f.leftoverScratch), f.each("partial", isBlob, f.leftoverPartial))
}

// each calls look for the entries of a directory that is holds for. Others are not
// minictr's, and a note.
func (f *fsck) each(dir string, is func(string, fs.DirEntry) bool, look func(dir string, e fs.DirEntry)) error {
	entries, err := os.ReadDir(f.s.path(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if is(f.s.path(dir, e.Name()), e) {
			look(dir, e)
		} else {
			f.note(path.Join(dir, e.Name()), "not made by minictr, which leaves it as it is", "move it elsewhere")
		}
	}
	return nil
}

const unreferenced = "no image refers to it, unless one is being loaded"

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

// leftoverLink looks for dangling links. One that an image needs is a problem that
// tree found.
func (f *fsck) leftoverLink(dir string, e fs.DirEntry) {
	if e.IsDir() {
		return
	}
	for d := range f.trees {
		if f.s.layers.Short(d) == e.Name() {
			return
		}
	}
	if _, err := os.Stat(f.s.path(dir, e.Name())); errors.Is(err, fs.ErrNotExist) {
		f.note(path.Join(dir, e.Name()), "dangling symbolic link", "the next layer of that name replaces it")
	}
}

func (f *fsck) leftoverScratch(dir string, e fs.DirEntry) {
	if f.abandoned(dir, e) {
		f.note(path.Join(dir, e.Name()), "left by a command that was killed", "the next load, pull or prune removes it")
	}
}

func (f *fsck) leftoverPartial(dir string, e fs.DirEntry) {
	if f.abandoned(dir, e) {
		f.note(path.Join(dir, e.Name()), "left by an interrupted pull", "the same pull resumes it; "+hintPrune)
	}
}

// abandoned reports whether no command holds its lock (lock.go, partial.go).
func (f *fsck) abandoned(dir string, e fs.DirEntry) bool {
	file, err := lockfile.Try(f.s.path(dir, e.Name()), lockfile.Shared)
	file.Close()
	return err == nil
}
