package container

// The init layer is the lowest layer of every container's root: directories and empty
// files to mount on, for images that lack them. Without it each container would make them
// in its own layer, on disk, and diff would list them as changes. Whatever the image has
// in their place, as an /etc/hosts of its own, lies above the init layer and hides it.

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/internal/owned"
)

// InitLayer is its directory, among the layers. Other layers have hexadecimal names.
const InitLayer = "init"

// initLayerScratch begins the name of an init layer that is not complete.
const initLayerScratch = ".init-"

// makeInitLayer makes the init layer in the directory of layers if it does not exist,
// by rename(2), so that it appears complete. The caller holds the lock of containers/.
func makeInitLayer(layers string) error {
	path := filepath.Join(layers, InitLayer)
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	// fill a scratch directory
	scratch, err := os.MkdirTemp(layers, initLayerScratch)
	if err != nil {
		return err
	}
	defer owned.RemoveAll(scratch)
	err = os.Chmod(scratch, 0o755)
	for _, dir := range []string{"proc", "sys", "dev", "etc"} {
		err = errors.Join(err, os.Mkdir(filepath.Join(scratch, dir), 0o755))
	}
	for _, file := range config.EtcFiles {
		err = errors.Join(err, os.WriteFile(filepath.Join(scratch, "etc", file), nil, 0o644))
	}
	if err != nil {
		return err
	}
	// rename it, unless another command was faster
	if err := os.Rename(scratch, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// recoverInitLayer removes incomplete init layers. The caller holds the lock of
// containers/ exclusively, so that no command makes one.
func recoverInitLayer(layers string) (left []Leftover, err error) {
	entries, err := os.ReadDir(layers)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	for _, e := range entries {
		dir := filepath.Join(layers, e.Name())
		if !strings.HasPrefix(e.Name(), initLayerScratch) || !owned.IsDir(dir) {
			continue
		}
		left = append(left, Leftover{"init", dir, "removed"})
		err = errors.Join(err, owned.RemoveAll(dir))
	}
	return left, err
}
