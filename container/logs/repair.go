package logs

import (
	"errors"
	"os"
)

// Repair removes what a power failure or a kill -9 left at the end of the log in dir: the
// beginning of a frame, or bytes that are not a frame, behind which nothing could be
// read. A writer calls it before it continues the log of another one. It returns the
// number of bytes removed.
func Repair(dir string) (lost int64, err error) {
	f, err := open(dir, Current, os.O_RDWR)
	if f == nil {
		return 0, err
	}
	defer f.Close()
	r := newReader(f)
	if err := r.seekEnd(); err != nil && !errors.Is(err, errBadFrame) {
		return 0, err
	}
	return r.limit - r.offset, f.Truncate(r.offset)
}
