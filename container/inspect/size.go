package inspect

import (
	"io/fs"
	"os"
	"syscall"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/images"
)

// Size is how many bytes the files hold that the container has changed, and those
// with its image's.
func Size(c *container.Container) (written, whole int64, err error) {
	if written, err = BytesIn(c.Path("upper")); err != nil {
		return 0, 0, err
	}
	store, err := images.Open(c.StoreRoot)
	if err != nil {
		return 0, 0, err
	}
	whole = written
	for _, diffID := range c.Settings.Layers {
		n, err := store.Layers().Size(diffID)
		if err != nil {
			return 0, 0, err
		}
		whole += n
	}
	return written, whole, nil
}

// BytesIn is how many bytes the regular files below dir hold, as layers count
// them: a hard link adds nothing. Who changes them meanwhile cannot lead us out of
// dir; what is changed at this moment does not count.
func BytesIn(dir string) (sum int64, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	linked := make(map[uint64]bool)
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil && name == "." {
			return err
		}
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if st := info.Sys().(*syscall.Stat_t); st.Nlink > 1 {
			if linked[st.Ino] {
				return nil
			}
			linked[st.Ino] = true
		}
		sum += info.Size()
		return nil
	})
	return sum, err
}
