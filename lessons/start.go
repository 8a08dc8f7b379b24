package lessons

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/atomicfile"
)

// file is a file of an exercise or of an image: a directory, a symbolic link, or a regular
// file.
type file struct {
	name string // relative
	mode fs.FileMode
	data []byte // of a symbolic link: the target
}

// Start lays out the exercise of a lesson in a directory, and returns the names of what is
// in it. Files that exist are kept: it is an error, and nothing is written, if one of them
// differs from ours.
func (l *Lesson) Start(s *Student, dir string) (top []string, err error) {
	list, err := l.exercise()
	if err != nil {
		return nil, err
	}
	err = s.as(func() error {
		for _, f := range list {
			if err := f.check(dir); err != nil {
				return hint.New(err, fmt.Sprintf("minictr lesson start %d ANOTHER-DIRECTORY", l.Number))
			}
		}
		return write(dir, list)
	})
	for _, f := range list {
		if filepath.Dir(f.name) == "." {
			top = append(top, f.name)
		}
	}
	return top, err
}

// exercise returns the files of the lesson's exercise.
func (l *Lesson) exercise() ([]file, error) {
	if l.Track == Understand {
		image, err := imageArchive()
		return []file{{"image.tar", 0o644, image}}, err
	}
	root, err := rootFiles()
	if err != nil {
		return nil, err
	}
	list := append(moduleFiles(), file{"root", fs.ModeDir | 0o755, nil})
	for _, f := range root {
		f.name = filepath.Join("root", f.name)
		list = append(list, f)
	}
	return append(list, file{"main.go", 0o644, []byte(l.file("exercise/main.go"))}), nil
}

// check returns an error if the file exists and is another.
func (f *file) check(dir string) error {
	path := filepath.Join(dir, f.name)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != f.mode.Type():
		return fmt.Errorf("%s: exists, and is no %s", path, kind(f.mode))
	}
	var data []byte
	switch f.mode.Type() {
	case fs.ModeDir:
		return nil
	case fs.ModeSymlink:
		var target string
		target, err = os.Readlink(path)
		data = []byte(target)
	default:
		data, err = os.ReadFile(path)
	}
	if err == nil && !bytes.Equal(data, f.data) {
		return fmt.Errorf("%s: exists, and is not overwritten", path)
	}
	return err
}

func kind(mode fs.FileMode) string {
	return map[fs.FileMode]string{fs.ModeDir: "directory", fs.ModeSymlink: "symbolic link"}[mode.Type()]
}

// write writes the files that do not exist. Each is whole, or is not there: a command that
// is killed can be run again.
func write(dir string, list []file) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range list {
		path := filepath.Join(dir, f.name)
		_, err := os.Lstat(path)
		switch {
		case err == nil:
			continue
		case f.mode.IsDir():
			err = os.Mkdir(path, f.mode.Perm())
		case f.mode.Type() == fs.ModeSymlink:
			err = os.Symlink(string(f.data), path)
		default:
			err = atomicfile.Write(path, f.data, f.mode.Perm(), false)
		}
		if err == nil && f.mode&fs.ModeSticky != 0 {
			err = os.Chmod(path, f.mode.Perm()|fs.ModeSticky)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
