package main

// The scratch folder of a user has the same name each time: what a benchmark has
// left that was killed is found by the next one. Who has it open and locked is the
// one benchmark that runs; two at a time would measure each other.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"golang.org/x/sys/unix"
)

func scratchFolder() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("minictr-bench-%d", os.Getuid()))
}

// lock makes the folder, if need be, and locks it until the file is closed.
func lock(folder string) (*os.File, error) {
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	var status unix.Stat_t
	if err := unix.Lstat(folder, &status); err != nil {
		return nil, &os.PathError{Op: "lstat", Path: folder, Err: err}
	}
	if int(status.Uid) != os.Getuid() {
		return nil, hint.New(fmt.Errorf("%s belongs to another user", folder), "set another temporary directory: TMPDIR=DIRECTORY")
	}
	f, err := lockfile.Try(folder, lockfile.Exclusive)
	named := false
	if err == nil {
		named, err = lockfile.StillNamed(f, folder) // it may be a link, or have been removed in between
	}
	if !named {
		f.Close()
		return nil, hint.New(errors.New("another benchmark is running"), "wait for it: two at a time would measure each other")
	}
	return f, nil
}
