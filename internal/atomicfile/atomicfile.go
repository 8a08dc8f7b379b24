// Package atomicfile replaces files with rename(2): a reader sees the old
// content or the new one, never a part.
//
// The temporary file of <dir>/<name> is <dir>/.<name>. Since that name is
// fixed, a command that is killed leaves at most one, which the next Write
// overwrites. Since it is fixed, too, callers that may write the same file at the
// same time need a lock (package lockfile).
//
// Do not use it for content that does not fit into memory, nor where the
// directory is writable by others.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the file at path, or creates it with mode, which umask(2)
// restricts. With sync, the content is on the disk before the file has its name,
// so that a power cut leaves the old content or the new one (fsync(2)); the
// directory is not synced. After an error the file at path is unchanged.
func Write(path string, data []byte, mode fs.FileMode, sync bool) error {
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	err := write(temp, data, mode, sync)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
	}
	return err
}

func write(path string, data []byte, mode fs.FileMode, sync bool) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil && sync {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
