package rootfs

import (
	"io/fs"
	"os"
	"syscall"
)

// BytesIn returns the bytes in the regular files below dir, as layers count them: a hard
// link adds nothing. A program that changes the files meanwhile cannot lead the walk out
// of dir; a file that it removes does not count.
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
