package logs

// What is made of frames on their way out. Lines belong to a stream: one that
// comes in several frames has its time stamp in front once, is counted once,
// and is left out whole, whatever the other stream says in between.

import (
	"bufio"
	"bytes"
	"io"
	"time"
)

const timestampLayout = "2006-01-02T15:04:05.000000000Z07:00 "

// lineWriter writes frames to the streams they are of.
type lineWriter struct {
	since, until time.Time
	timestamps   bool
	skip         int // lines that are to be left out yet

	streams [Stderr + 1]stream
	last    *stream // that was written to
}

type stream struct {
	to     *bufio.Writer // nil: nobody wants it
	within bool          // a line
	hidden bool          // that is left out
}

func newLines(o *Options, stdout, stderr io.Writer) *lineWriter {
	l := &lineWriter{since: o.Since, until: o.Until, timestamps: o.Timestamps}
	for n, w := range []io.Writer{Stdout: stdout, Stderr: stderr} {
		if w != nil {
			l.streams[n].to = bufio.NewWriterSize(w, bufferSize)
		}
	}
	return l
}

func (l *lineWriter) wants(t time.Time) bool {
	return !t.Before(l.since) && (l.until.IsZero() || !t.After(l.until))
}

// restart begins anew, without the first n lines.
func (l *lineWriter) restart(n int) {
	l.skip = n
	for i := range l.streams {
		l.streams[i].within, l.streams[i].hidden = false, false
	}
}

// write takes a frame apart at its newlines. Once a stream cannot be written,
// every write to it fails.
func (l *lineWriter) write(f frame) error {
	s := &l.streams[f.stream]
	if s.to == nil || !l.wants(f.time) {
		return nil
	}
	if l.last != s {
		if err := l.flush(); err != nil {
			return err
		}
		l.last = s
	}
	for line := range bytes.Lines(f.data) {
		if !s.within {
			l.begin(s, f.time)
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

func (l *lineWriter) begin(s *stream, t time.Time) {
	s.hidden = l.skip > 0
	if s.hidden {
		l.skip--
	} else if l.timestamps {
		s.to.Write(t.UTC().AppendFormat(s.to.AvailableBuffer(), timestampLayout))
	}
}

// flush hands on what was written. It comes before each change of the stream,
// so that the two keep their order if they go to one terminal.
func (l *lineWriter) flush() error {
	if l.last == nil {
		return nil
	}
	return l.last.to.Flush()
}
