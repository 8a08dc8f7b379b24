package logs

// The two files of a log, while they may be renamed at any moment. A file is
// known by its inode: as long as it is open, no other has its number.

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// pair opens the two files as they are at one moment; nil is one that is not
// there. Between a rename and the new log there is only the older one.
func pair(dir string) (older, current *os.File, err error) {
	for {
		if current, err = open(dir, Current); err != nil {
			return nil, nil, err
		}
		if older, err = open(dir, Older); err != nil {
			return nil, nil, errors.Join(err, closeAll(current))
		}
		again, err := open(dir, Current)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll(older, current))
		}
		if same(current, again) { // and so it was when the older one was opened
			return older, current, closeAll(again)
		}
		if err := closeAll(older, current, again); err != nil {
			return nil, nil, err
		}
	}
}

func open(dir, name string) (*os.File, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return f, err
}

func same(a, b *os.File) bool {
	if a == nil || b == nil {
		return a == b
	}
	first, err1 := a.Stat()
	second, err2 := b.Stat()
	return err1 == nil && err2 == nil && os.SameFile(first, second)
}

func closeAll(files ...*os.File) (err error) {
	for _, f := range files {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// newer opens the files that come after last, oldest first; after nil, all.
// Between last and them there may be a gap: last was not even the older one any
// more.
func newer(dir string, last *os.File) (files []*os.File, gap bool, err error) {
	older, current, err := pair(dir)
	if err != nil {
		return nil, false, err
	}
	switch {
	case last == nil:
	case same(last, current):
		return nil, false, closeAll(older, current)
	case same(last, older):
		err = closeAll(older)
		older = nil
	default:
		gap = true
	}
	for _, f := range []*os.File{older, current} {
		if f != nil {
			files = append(files, f)
		}
	}
	return files, gap, err
}

// Position is a place between two frames of a log. It stays right when the log
// is renamed.
type Position struct {
	file   *os.File // nil: there was no log
	offset int64
}

// End is where the log in dir ends now. To see all that a container says from
// its start on, and nothing older, ask for it before the start; and to show a
// terminal, Copy with Options{Follow: true, Tail: -1, From: end}.
func End(dir string) (*Position, error) {
	files, _, err := newer(dir, nil)
	if err != nil || len(files) == 0 {
		return &Position{}, err
	}
	last := files[len(files)-1]
	if err := closeAll(files[:len(files)-1]...); err != nil {
		return nil, errors.Join(err, last.Close())
	}
	r, err := newReader(last)
	if err == nil {
		err = r.toEnd()
	}
	if err != nil {
		return nil, errors.Join(err, last.Close())
	}
	return &Position{last, r.offset}, nil
}

// Close is for a Position that no Copy has got. Of a nil one there is nothing
// to close.
func (p *Position) Close() error {
	if p == nil {
		return nil
	}
	return closeAll(p.file)
}
