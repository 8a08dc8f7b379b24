package benchmark

import (
	"errors"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Usage returns how many bytes of disk the given files and directories take:
// blocks that are allocated, so that holes do not count. A file with several
// names counts once; what is mounted in a directory does not count.
func Usage(paths ...string) (bytes int64, err error) {
	seen := map[[2]uint64]bool{}
	for _, path := range paths {
		var device uint64
		err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			var st unix.Stat_t
			if err == nil {
				err = unix.Lstat(name, &st)
			}
			if name == path {
				device = st.Dev
			}
			switch {
			case errors.Is(err, fs.ErrNotExist) && name != path:
				return nil // a daemon has removed it meanwhile
			case err != nil:
				return err
			case st.Dev != device && entry.IsDir():
				return fs.SkipDir
			case st.Dev != device:
				return nil
			}
			if id := [2]uint64{st.Dev, st.Ino}; !seen[id] {
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
