package owned

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/minictr/minictr/hint"
)

// Kind is what a directory with a mark is.
type Kind string

const (
	Store Kind = "store" // images and containers
	State Kind = "state" // the state of tasks or OCI containers

	Volume Kind = "volume" // one volume in a store
)

// MarkName is the name of a mark in its directory.
const MarkName = ".minictr"

// version is that of all kinds. Another version is not touched.
const version = 1

func (k Kind) text() string { return fmt.Sprintf("%s version %d", k, version) }

// Check is IsMarked for a directory that is minictr's alone: without the mark it must be
// empty, or not exist.
func Check(dir string, kind Kind) (marked bool, err error) {
	marked, err = IsMarked(dir, kind)
	if marked || err != nil {
		return marked, err
	}
	empty, err := isEmpty(dir)
	if empty || err != nil {
		return false, err
	}
	if marked, err = IsMarked(dir, kind); marked || err != nil { // by another command, meanwhile
		return marked, err
	}
	advice := "use an empty directory with --root"
	if isOlder(dir) {
		advice = "if an older minictr has made it: ln -s '" + kind.text() + "' " + filepath.Join(dir, MarkName)
	}
	return false, hint.New(fmt.Errorf("%s %s: not made by minictr, and not empty", kind, dir), advice)
}

// isOlder reports whether dir looks like a store of the minictr that made no marks.
func isOlder(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "index.lock"))
	return err == nil && IsDir(filepath.Join(dir, "layers"))
}

// IsMarked reports whether dir exists and has the mark of a kind. It is an error if it
// has another one: of another kind, version or user.
func IsMarked(dir string, kind Kind) (bool, error) {
	path := filepath.Join(dir, MarkName)
	text, err := os.Readlink(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTDIR) {
		return false, hint.New(fmt.Errorf("%s: not a mark of minictr", path), "use another directory with --root")
	}
	if err != nil {
		return false, err
	}
	if text != kind.text() {
		return false, refuse(dir, text, kind)
	}
	st, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	if !isOwn(st) {
		return false, hint.New(fmt.Errorf("%s: made by another user", path),
			"if you trust all that is in the directory: chown -h root "+path)
	}
	return true, nil
}

// refuse says which mark a directory has instead of one of a kind.
func refuse(dir, text string, kind Kind) error {
	is, number, _ := strings.Cut(text, " version ")
	v, err := strconv.Atoi(number)
	switch {
	case err != nil || !slices.Contains([]Kind{Store, State, Volume}, Kind(is)):
		return hint.New(fmt.Errorf("%s: mark of minictr with the text %q: not known", dir, text),
			"use another directory with --root")
	case is != string(kind):
		return hint.New(fmt.Errorf("%s: minictr uses it as %s, not as %s", dir, is, kind),
			"use another directory with --root")
	}
	return hint.New(fmt.Errorf("%s: %s of version %d, not %d", dir, is, v, version),
		"use the minictr that has made it, or another directory with --root")
}

// isEmpty reports whether dir has no files, or does not exist. lost+found is not counted:
// a new filesystem has it.
func isEmpty(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() != "lost+found" }), nil
}

// Mark gives dir, which exists, the mark of a kind.
func Mark(dir string, kind Kind) error {
	err := os.Symlink(kind.text(), filepath.Join(dir, MarkName))
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	_, err = IsMarked(dir, kind) // another command has made it meanwhile
	return err
}

// IsDir reports whether path is a directory that minictr may have made.
func IsDir(path string) bool { return CheckDir(path) == nil }

// CheckDir returns an error unless path is a directory, and not a symbolic link to one,
// of this process's user or root.
func CheckDir(path string) error {
	st, err := os.Lstat(path)
	if err == nil && !(st.IsDir() && isOwn(st)) {
		err = hint.New(fmt.Errorf("%s: not made by minictr", path), "move it elsewhere")
	}
	return err
}

func isOwn(st fs.FileInfo) bool {
	uid := int(st.Sys().(*syscall.Stat_t).Uid)
	return uid == 0 || uid == os.Geteuid()
}
