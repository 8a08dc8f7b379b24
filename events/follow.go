package events

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/minictr/minictr/internal/inotify"
	"github.com/minictr/minictr/internal/owned"
	"golang.org/x/sys/unix"
)

// Query says which events to read.
type Query struct {
	Filters      Filters
	Since, Until time.Time // zero for no bound
}

// Follow calls do with each event of the store at root, until the time q.Until, or for
// good. As docker, it begins with past events only if q has a bound.
func Follow(ctx context.Context, root string, q Query, do func(*Event) error) error {
	if _, err := owned.Check(root, owned.Store); err != nil {
		return err
	}
	dir := filepath.Join(root, Dir)
	t := tail{dir: dir, do: func(e *Event) error {
		if at := e.At(); at.Before(q.Since) || !q.Until.IsZero() && at.After(q.Until) || !q.Filters.Match(e) {
			return nil
		}
		return do(e)
	}}
	defer t.close()
	// past events
	var until <-chan time.Time
	if !q.Until.IsZero() {
		left := time.Until(q.Until)
		if left <= 0 {
			return t.read()
		}
		until = time.After(left)
	}
	if q.Since.IsZero() && q.Until.IsZero() {
		if err := t.skip(); err != nil {
			return err
		}
	}
	// new ones
	watch, err := watchDir(ctx, dir, until)
	if watch == nil {
		return err
	}
	defer watch.Close()
	for {
		if err := t.read(); err != nil {
			return err
		}
		select {
		case _, open := <-watch.Changed:
			if !open {
				return watch.Err()
			}
		case <-until:
			return t.read()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watchDir watches the directory of the journal, once a first event has made it; nil if
// until or ctx ends before.
func watchDir(ctx context.Context, dir string, until <-chan time.Time) (*inotify.Watch, error) {
	for {
		watch, err := inotify.New(dir, unix.IN_MODIFY)
		if !errors.Is(err, fs.ErrNotExist) {
			return watch, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-until:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Of calls do with all events of an actor in the store's journal.
func Of(root, id string, do func(*Event)) error {
	t := tail{dir: filepath.Join(root, Dir), with: []byte(id), do: func(e *Event) error {
		if e.Actor.ID == id {
			do(e)
		}
		return nil
	}}
	defer t.close()
	return t.read()
}

// tail reads the files of a journal that grow, and are renamed meanwhile.
type tail struct {
	dir   string
	with  []byte // in each line that is parsed
	do    func(*Event) error
	files []*file // the oldest first
}

// file is an open file of the journal. While it is open, no other one has its inode number.
type file struct {
	*os.File
	info fs.FileInfo
	rest []byte // the beginning of a line
}

// read reads what was written since the last time. It looks for new files until there are
// none: a file may be renamed between two looks.
func (t *tail) read() error {
	for {
		for _, f := range t.files {
			if err := f.read(t.with, t.do); err != nil {
				return err
			}
		}
		if found, err := t.open(); err != nil || !found {
			return err
		}
	}
}

// skip reads nothing of what is in the journal.
func (t *tail) skip() error {
	for {
		found, err := t.open()
		if err != nil || !found {
			return err
		}
		for _, f := range t.files {
			if _, err := f.Seek(0, io.SeekEnd); err != nil {
				return err
			}
		}
	}
}

// filesKept is the number of files that stay open: those with a name, and the one before,
// which may be renamed between the looks at both names.
const filesKept = 3

// open opens the files that it does not know yet.
func (t *tail) open() (found bool, err error) {
	for _, name := range []string{older, current} {
		f, err := os.Open(filepath.Join(t.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		info, err := f.Stat()
		if err != nil {
			return false, errors.Join(err, f.Close())
		}
		if slices.ContainsFunc(t.files, func(known *file) bool { return os.SameFile(known.info, info) }) {
			f.Close()
			continue
		}
		t.files, found = append(t.files, &file{File: f, info: info}), true
	}
	for len(t.files) > filesKept {
		t.files[0].Close()
		t.files = t.files[1:]
	}
	return found, nil
}

func (t *tail) close() {
	for _, f := range t.files {
		f.Close()
	}
}

// read calls do with the event of each complete line that was added, and holds these bytes.
func (f *file) read(with []byte, do func(*Event) error) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := f.Read(buf)
		f.rest = append(f.rest, buf[:n]...)
		for {
			line, rest, complete := bytes.Cut(f.rest, []byte("\n"))
			if !complete {
				break
			}
			f.rest = rest
			if !bytes.Contains(line, with) {
				continue
			}
			if e, ok := parse(line); ok {
				if err := do(e); err != nil {
					return err
				}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
