package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"golang.org/x/sys/unix"
)

// scratchDir returns the scratch directory of a user, which is the same each time:
// the next benchmark finds what a killed one has left.
func scratchDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("minictr-bench-%d", os.Getuid()))
}

// lock makes the directory unless it exists, and locks it until the file is closed:
// two benchmarks at a time would measure each other.
func lock(dir string) (*os.File, error) {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return nil, &os.PathError{Op: "lstat", Path: dir, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Getuid() {
		return nil, hint.New(fmt.Errorf("%s belongs to another user", dir),
			"use another directory for temporary files: TMPDIR=DIRECTORY")
	}
	f, err := lockfile.Try(dir, lockfile.Exclusive)
	if err == nil {
		named, err := lockfile.StillNamed(f, dir) // its holder may have removed it
		if named || err != nil {
			return f, err
		}
		f.Close()
	} else if !errors.Is(err, unix.EWOULDBLOCK) {
		return nil, err
	}
	return nil, hint.New(errors.New("another benchmark is running"),
		"wait for it: two at a time would measure each other")
}
