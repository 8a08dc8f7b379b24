package logs

import (
	"errors"
	"os"
)

// Repair cuts off what a power cut or a kill -9 has left at the end of the log
// in dir: the beginning of a frame, or bytes that are none, behind which
// nothing could be read. Who is to write after somebody else has died calls it
// first. It says how many bytes were lost so.
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
