package logs

// Frames, one after the other, in one file. A reader remembers only where the
// next one begins. If that is not all there yet, it is read anew the next time:
// on a full disk what was there of it may have been cut off meanwhile, for
// another one.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

type frame struct {
	time   time.Time
	stream int
	data   []byte
}

var errBadFrame = errors.New("no frame")

// lastSecond is that of the year 9999, which RFC 3339 can still write.
const lastSecond = 253402300799

// appendTo appends header and data to b.
func (f frame) appendTo(b []byte) []byte {
	order := binary.NativeEndian
	b = order.AppendUint64(b, uint64(f.time.Unix()))
	b = order.AppendUint64(b, uint64(f.time.Nanosecond()))
	b = order.AppendUint64(b, uint64(f.stream))
	b = order.AppendUint64(b, uint64(len(f.data)))
	return append(b, f.data...)
}

// parse takes the frame at the beginning of b, n bytes with its header. If it
// is not all there, n is 0; if that is no header, ok is false.
func parse(b []byte) (f frame, n int, ok bool) {
	if len(b) < HeaderSize {
		return f, 0, true
	}
	order := binary.NativeEndian
	seconds, nanoseconds := order.Uint64(b), order.Uint64(b[8:])
	stream, length := order.Uint64(b[16:]), order.Uint64(b[24:])
	if seconds > lastSecond || nanoseconds >= 1e9 || stream != Stdout && stream != Stderr || length > MaxFrame {
		return f, 0, false
	}
	n = HeaderSize + int(length)
	if len(b) < n {
		return f, 0, true
	}
	return frame{time.Unix(int64(seconds), int64(nanoseconds)), int(stream), b[HeaderSize:n]}, n, true
}

// reader reads the frames of a file that begin before limit.
type reader struct {
	file   *file
	offset int64 // of the next frame
	limit  int64
	broken bool // at offset nothing can be read

	buffer []byte
	ahead  []byte // the part of it that holds what is in the file from offset on
}

// bufferSize is how much is read at once, unless a frame is larger.
const bufferSize = 64 << 10

func newReader(f *file) *reader {
	return &reader{file: f, limit: f.info.Size(), buffer: make([]byte, bufferSize)}
}

// extend puts the limit where the file ends now.
func (r *reader) extend() error {
	info, err := r.file.Stat()
	if err == nil {
		r.limit = info.Size()
	}
	return err
}

// seek makes the frame at offset the next.
func (r *reader) seek(offset int64) {
	r.offset, r.ahead, r.broken = offset, nil, false
}

// next is the next frame, whose data hold until the one after, or io.EOF if
// there is none that is whole. Any other error is the last thing that the file
// gives.
func (r *reader) next() (frame, error) {
	for r.offset < r.limit && !r.broken {
		f, n, ok := parse(r.ahead)
		if n > 0 {
			r.offset += int64(n)
			r.ahead = r.ahead[n:]
			return f, nil
		}
		var err error
		if ok {
			err = r.readAhead()
		} else {
			err = fmt.Errorf("read %s: %w at offset %d", r.file.Name(), errBadFrame, r.offset)
		}
		if err != nil {
			r.ahead = nil
			r.broken = err != io.EOF
			return f, err
		}
	}
	return frame{}, io.EOF
}

// readAhead reads what follows in the file, or returns io.EOF.
func (r *reader) readAhead() error {
	if len(r.ahead) == len(r.buffer) {
		r.buffer = make([]byte, 2*len(r.buffer))
	}
	have := copy(r.buffer, r.ahead)
	n, err := r.file.ReadAt(r.buffer[have:], r.offset+int64(have))
	r.ahead = r.buffer[:have+n]
	if n > 0 {
		return nil
	}
	return err
}

// seekEnd goes behind the last frame.
func (r *reader) seekEnd() error {
	for {
		if _, err := r.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
