package benchmark

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Usage is how many bytes of disk the given files and folders take, with all
// that is in them: blocks that are really there, so that holes count nothing. A
// file with several names counts once, and what is mounted in a folder is no
// part of it.
func Usage(paths ...string) (bytes int64, err error) {
	type file struct{ device, inode uint64 }
	seen := map[file]bool{}
	for _, path := range paths {
		top, err := os.Lstat(path)
		if err != nil {
			return 0, err
		}
		device := top.Sys().(*syscall.Stat_t).Dev
		err = filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
			if err != nil {
				return ignoreGone(err)
			}
			info, err := entry.Info()
			if err != nil {
				return ignoreGone(err)
			}
			st := info.Sys().(*syscall.Stat_t)
			if st.Dev != device {
				return skip(entry)
			}
			if id := (file{uint64(st.Dev), st.Ino}); !seen[id] {
				seen[id] = true
				bytes += st.Blocks * 512
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return bytes, nil
}

func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// ignoreGone: daemons remove files while we look.
func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
