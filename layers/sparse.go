package layers

import (
	"bytes"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// block is the unit of holes in bytes: the block of most filesystems.
const block = 4096

var zeros [block]byte

// writeSparse writes size bytes of body to the empty file fd. Blocks of zeros
// become holes: archive/tar returns the holes of sparse entries as zeros, and
// both read the same.
func writeSparse(fd int, size int64, body io.Reader, buf []byte) error {
	var off, end int64 // end is the size of the file so far
	for off < size {
		// fill the buffer
		n, err := io.ReadFull(body, buf[:min(int64(len(buf)), size-off)])
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		// write what is not a hole
		for data := buf[:n]; len(data) > 0; {
			run, hole := firstRun(data)
			if !hole {
				if err := pwriteAll(fd, data[:run], off); err != nil {
					return err
				}
				end = off + int64(run)
			}
			data, off = data[run:], off+int64(run)
		}
	}
	// a hole at the end
	if end < size {
		return sys("ftruncate", unix.Ftruncate(fd, size))
	}
	return nil
}

// firstRun returns the length in bytes of the first run of blocks of zeros, or
// of other blocks.
func firstRun(data []byte) (n int, hole bool) {
	for n < len(data) {
		next := data[n:min(n+block, len(data))]
		zero := bytes.Equal(next, zeros[:len(next)])
		if n > 0 && zero != hole {
			break
		}
		hole = zero
		n += len(next)
	}
	return n, hole
}

// pwriteAll writes all of data at off.
func pwriteAll(fd int, data []byte, off int64) error {
	for len(data) > 0 {
		n, err := unix.Pwrite(fd, data, off)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return sys("pwrite", err)
		}
		data, off = data[n:], off+int64(n)
	}
	return nil
}
