package logs

// Lines belong to a stream: a line that comes in several frames has one timestamp, counts
// once, and is skipped whole, whatever the other stream writes in between.

import (
	"bufio"
	"bytes"
	"io"
	"time"
)

const timestampLayout = "2006-01-02T15:04:05.000000000Z07:00 "

// lineWriter writes frames to the outputs of their streams.
type lineWriter struct {
	since, until time.Time
	timestamps   bool
	details      string
	skip         int // lines still to skip

	streams [Stderr + 1]stream
	last    *stream // the one written to last
}

// stream is one of the two, and the line it is in.
type stream struct {
	to     *bufio.Writer // nil for a stream that is not wanted
	within bool          // within a line
	hidden bool          // which is skipped
}

func newLines(o *Options, stdout, stderr io.Writer) *lineWriter {
	w := &lineWriter{since: o.Since, until: o.Until, timestamps: o.Timestamps, details: o.Details}
	for n, to := range []io.Writer{Stdout: stdout, Stderr: stderr} {
		if to != nil {
			w.streams[n].to = bufio.NewWriterSize(to, bufferSize)
		}
	}
	return w
}

// wants reports whether the time of a frame is one to write.
func (w *lineWriter) wants(t time.Time) bool {
	return !t.Before(w.since) && (w.until.IsZero() || !t.After(w.until))
}

// restart starts over, and skips the first n lines.
func (w *lineWriter) restart(n int) {
	w.skip = n
	for i := range w.streams {
		w.streams[i].within, w.streams[i].hidden = false, false
	}
}

// write splits a frame at its newlines. Once a write to an output has failed, every later
// one fails.
func (w *lineWriter) write(f frame) error {
	s := &w.streams[f.stream]
	if s.to == nil || !w.wants(f.time) {
		return nil
	}
	if w.last != s {
		if err := w.flush(); err != nil {
			return err
		}
		w.last = s
	}
	for line := range bytes.Lines(f.data) {
		if !s.within {
			w.begin(s, f.time)
		}
		s.within = line[len(line)-1] != '\n'
		if s.hidden {
			continue
		}
		if _, err := s.to.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// begin begins a line: it skips it, or writes its timestamp and details.
func (w *lineWriter) begin(s *stream, t time.Time) {
	s.hidden = w.skip > 0
	if s.hidden {
		w.skip--
		return
	}
	if w.timestamps {
		s.to.Write(t.UTC().AppendFormat(s.to.AvailableBuffer(), timestampLayout))
	}
	s.to.WriteString(w.details)
}

// flush writes what is buffered. It is called before each change of the stream, so that
// the two keep their order on one terminal.
func (w *lineWriter) flush() error {
	if w.last == nil {
		return nil
	}
	return w.last.to.Flush()
}
