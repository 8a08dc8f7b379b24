package container

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/container/config"
)

// InitLayer is its folder in the store's folder of layers. No layer is called
// so: their short names are hexadecimal.
const InitLayer = "init"

// initLayerScratch is where it is made.
const initLayerScratch = ".init-"

var initLayerDirs = []string{"proc", "sys", "dev", "etc"}

// makeInitLayer makes the floor in the folder of layers, if it is not there yet:
// whole, by a rename, whoever else does the same. The caller holds the lock of
// containers/.
func makeInitLayer(layers string) error {
	dir := filepath.Join(layers, InitLayer)
	if _, err := os.Lstat(dir); err == nil {
		return nil
	}
	scratch, err := os.MkdirTemp(layers, initLayerScratch)
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := os.Chmod(scratch, 0o755); err != nil {
		return err
	}
	for _, dir := range initLayerDirs {
		if err := os.Mkdir(filepath.Join(scratch, dir), 0o755); err != nil {
			return err
		}
	}
	for _, file := range config.EtcFiles {
		if err := os.WriteFile(filepath.Join(scratch, "etc", file), nil, 0o644); err != nil {
			return err
		}
	}
	if err := os.Rename(scratch, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// recoverInitLayer removes what was left of floors in the making. The caller holds
// the lock of containers/ alone, so that nobody makes one.
func recoverInitLayer(layers string) (left []Leftover, err error) {
	scratch, err := filepath.Glob(filepath.Join(layers, initLayerScratch+"*"))
	for _, dir := range scratch {
		left = append(left, Leftover{"init", dir, "removed"})
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return left, err
}
