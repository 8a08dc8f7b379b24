package logs

// The two files of a log may be renamed at any moment. A file is identified by its inode:
// while it is open, no other file has that inode number.

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// file is an open file, with its status when it was opened.
type file struct {
	*os.File
	info fs.FileInfo
}

// open opens a file of the log. It returns nil if the file does not exist.
func open(dir, name string, flag int) (*file, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), flag, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{f, info}, nil
}

// same reports whether a and b are one file, or both nil.
func same(a, b *file) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a.info, b.info)
}

func closeAll(files ...*file) (err error) {
	for _, f := range files {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// openBoth opens the two files as they are at one moment. Between a rename and the
// creation of a new log there is only the older one.
func openBoth(dir string) (older, current *file, err error) {
	for {
		var reopened *file
		var errs [3]error
		current, errs[0] = open(dir, Current, os.O_RDONLY)
		older, errs[1] = open(dir, Older, os.O_RDONLY)
		reopened, errs[2] = open(dir, Current, os.O_RDONLY)
		err = errors.Join(errs[0], errs[1], errs[2], closeAll(reopened))
		if err == nil && same(current, reopened) { // so current was the log when older was opened
			return older, current, nil
		}
		if err = errors.Join(err, closeAll(older, current)); err != nil {
			return nil, nil, err
		}
	}
}

// openNewer opens the files that come after last, oldest first; all if last is nil. There
// is a gap before them if last is no longer one of the two.
func openNewer(dir string, last *file) (files []*file, gap bool, err error) {
	older, current, err := openBoth(dir)
	switch {
	case err != nil:
		return nil, false, err
	case last != nil && same(last, current):
		return nil, false, closeAll(older, current)
	case last != nil && same(last, older):
		err = closeAll(older)
		older = nil
	default:
		gap = last != nil
	}
	for _, f := range []*file{older, current} {
		if f != nil {
			files = append(files, f)
		}
	}
	return files, gap, err
}
