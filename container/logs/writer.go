package logs

// A container that writes to a full pipe blocks, so its output is read in any case, and
// dropped if the disk is full. Only whole frames are dropped: part of one, followed by the
// next, would make the rest unreadable, so the file is truncated to its length before.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// ErrDropped is wrapped by the error of a Write whose frame is not in the log.
var ErrDropped = errors.New("frame dropped")

// Writer appends to the log of a container. It may be used by one goroutine at a time.
type Writer struct {
	dir     string
	maximum int64
	file    *os.File // nil if a new one could not be created yet
	buffer  []byte
}

// OpenWriter opens the log in the directory dir, and creates it if it does not exist. A
// log of maximum bytes or more is renamed before the next frame is written. The caller
// sees to it that there is no other writer.
func OpenWriter(dir string, maximum int64) (*Writer, error) {
	w := &Writer{dir: dir, maximum: maximum}
	return w, w.open()
}

func (w *Writer) path(name string) string { return filepath.Join(w.dir, name) }

func (w *Writer) open() (err error) {
	w.file, err = os.OpenFile(w.path(Current), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	return err
}

// Write appends data, which stream wrote at the time t, as one frame, or as several if it
// is longer than MaxFrame. It never waits for space: if the disk is full it removes the
// part of the frame that was written, and the error wraps ErrDropped.
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

// rotate renames a log that has reached its maximum, and returns the length of the
// present one.
func (w *Writer) rotate() (size int64, err error) {
	if w.file == nil {
		if err := w.open(); err != nil {
			return 0, err
		}
	}
	// the log, unless it is full
	st, err := w.file.Stat()
	if err != nil {
		return 0, err
	}
	if st.Size() < w.maximum {
		return st.Size(), nil
	}
	// a new log in its place
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
