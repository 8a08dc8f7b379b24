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
	f, err := os.OpenFile(folder, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := ours(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ours: the folder is nobody else's, and in nobody else's hands.
func ours(f *os.File) error {
	var opened, named unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &opened); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if int(opened.Uid) != os.Getuid() {
		return hint.New(fmt.Errorf("%s belongs to another user", f.Name()), "use another folder for what is temporary: TMPDIR=FOLDER")
	}
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil { // it may have been removed in between, by the one that had it
		err = unix.Stat(f.Name(), &named)
	}
	if err != nil || named.Ino != opened.Ino {
		return hint.New(errors.New("another benchmark is running"), "wait for it: two at a time would measure each other")
	}
	return nil
}
