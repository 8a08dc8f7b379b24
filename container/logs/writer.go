package logs

// Writing. A container that writes to a pipe which nobody empties stands still,
// so its output is taken whatever becomes of it: what the disk has no room for
// is dropped. It is dropped by frames. Half of one, followed by the next, would
// make all that comes after it unreadable, so the file is cut back to where it
// ended before.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// ErrDropped is in the error of a Write whose frame is not in the log.
var ErrDropped = errors.New("frame dropped")

// Writer appends to the log of a container. It is for one goroutine.
type Writer struct {
	dir     string
	maximum int64
	file    *os.File // nil: a new one could not be made yet
	buffer  []byte
}

// OpenWriter opens the log in the folder dir, and makes it if need be. One that
// is maximum bytes long or longer is renamed before the next frame is written.
// The caller sees to it that there is no other writer.
func OpenWriter(dir string, maximum int64) (*Writer, error) {
	w := &Writer{dir: dir, maximum: maximum}
	return w, w.open()
}

func (w *Writer) path(name string) string { return filepath.Join(w.dir, name) }

func (w *Writer) open() (err error) {
	w.file, err = os.OpenFile(w.path(Current), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	return err
}

// Write appends data, which came from stream at the time t, as one frame, or as
// several if it is longer than MaxFrame. It never waits for space: if the disk
// is full it cuts off what has been written of the frame, and the error is
// ErrDropped.
func (w *Writer) Write(stream int, t time.Time, data []byte) error {
	for piece := range slices.Chunk(data, MaxFrame) {
		if err := w.append(frame{t, stream, piece}); err != nil {
			return fmt.Errorf("%w: %w", err, ErrDropped)
		}
	}
	return nil
}

func (w *Writer) append(f frame) error {
	size, err := w.rotate()
	if err != nil {
		return err
	}
	w.buffer = f.appendTo(w.buffer[:0])
	if _, err := w.file.Write(w.buffer); err != nil {
		return errors.Join(err, w.file.Truncate(size))
	}
	return nil
}

// rotate sees to a log that is not full, and says how long it is.
func (w *Writer) rotate() (size int64, err error) {
	if w.file == nil {
		if err := w.open(); err != nil {
			return 0, err
		}
	}
	st, err := w.file.Stat()
	if err != nil {
		return 0, err
	}
	if st.Size() < w.maximum {
		return st.Size(), nil
	}
	if err := os.Rename(w.path(Current), w.path(Older)); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return 0, w.open()
}

// Close closes the log.
func (w *Writer) Close() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}
