package logs

// A reader remembers only where the next frame begins. A frame that is not complete is
// read again from its beginning: on a full disk the writer may have cut it off and
// written another in its place.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// frame is what one write of the container was recorded as.
type frame struct {
	time   time.Time
	stream int
	data   []byte
}

var errBadFrame = errors.New("not a frame")

// lastSecond is the last of the year 9999, the last one that RFC 3339 can express.
const lastSecond = 253402300799

// appendTo appends the header and the data to b.
func (f frame) appendTo(b []byte) []byte {
	order := binary.NativeEndian
	b = order.AppendUint64(b, uint64(f.time.Unix()))
	b = order.AppendUint64(b, uint64(f.time.Nanosecond()))
	b = order.AppendUint64(b, uint64(f.stream))
	b = order.AppendUint64(b, uint64(len(f.data)))
	return append(b, f.data...)
}

// parse returns the frame at the beginning of b, and its length n with the header. If the
// frame is not complete, n is 0; if there is no valid header, ok is false.
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
	broken bool // there is no frame at offset

	buffer []byte
	ahead  []byte // part of buffer: what the file holds from offset on
}

// bufferSize is the number of bytes read at once, unless a frame is larger.
const bufferSize = 64 << 10

func newReader(f *file) *reader {
	return &reader{file: f, limit: f.info.Size(), buffer: make([]byte, bufferSize)}
}

// extend sets the limit to the present end of the file.
func (r *reader) extend() error {
	info, err := r.file.Stat()
	if err == nil {
		r.limit = info.Size()
	}
	return err
}

// seek makes the frame at offset the next one.
func (r *reader) seek(offset int64) {
	r.offset, r.ahead, r.broken = offset, nil, false
}

// next returns the next frame, whose data is valid until the call after, or io.EOF if
// there is no complete one. After any other error the file yields nothing more.
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

// readAhead reads what follows ahead in the file, or returns io.EOF.
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

// seekEnd moves behind the last frame.
func (r *reader) seekEnd() error {
	for {
		if _, err := r.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
