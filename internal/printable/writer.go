package printable

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Writer returns a writer that escapes control characters, and bytes that are
// not UTF-8, as Go does in strings, such as \x1b for ESC, and writes the result
// to w. Newline, tab, carriage return and colours stay: a colour is Select
// Graphic Rendition, ESC [ digits and semicolons m (console_codes(4)).
//
// What may be the beginning of a character or of a colour is kept until the
// next Write. Close writes what is kept; it does not close w.
func Writer(w io.Writer) io.WriteCloser { return &writer{to: w} }

type writer struct {
	to   io.Writer
	kept []byte
}

func (w *writer) Write(text []byte) (int, error) {
	safe, rest := escape(nil, append(w.kept, text...))
	w.kept = bytes.Clone(rest)
	if _, err := w.to.Write(safe); err != nil {
		return 0, err
	}
	return len(text), nil
}

func (w *writer) Close() error {
	var safe []byte
	for len(w.kept) > 0 {
		safe = appendEscaped(safe, w.kept[:1])
		safe, w.kept = escape(safe, w.kept[1:])
	}
	_, err := w.to.Write(safe)
	return err
}

// escape appends text to safe. The rest is what may be the beginning of a
// character or of a colour.
func escape(safe, text []byte) (_, rest []byte) {
	for len(text) > 0 {
		n, whole := colour(text)
		if !whole || !utf8.FullRune(text) {
			return safe, text
		}
		if n > 0 {
			safe = append(safe, text[:n]...)
		} else {
			_, n = utf8.DecodeRune(text)
			safe = appendEscaped(safe, text[:n])
		}
		text = text[n:]
	}
	return safe, nil
}

// longest is the maximum length of a colour in bytes. Foreground and background in
// full, as in ESC[38;2;255;255;255;48;2;255;255;255m, have 36.
const longest = 64

// colour returns the length of the colour with which text begins, 0 for none. It
// is not whole if it may continue after text.
func colour(text []byte) (n int, whole bool) {
	for i, c := range text[:min(len(text), longest)] {
		switch {
		case i < 2 && c == "\x1b["[i], i >= 2 && (c == ';' || '0' <= c && c <= '9'):
		case i >= 2 && c == 'm':
			return i + 1, true
		default:
			return 0, true
		}
	}
	return 0, len(text) >= longest
}

// appendEscaped appends one character, or one byte that is not part of any.
func appendEscaped(safe, char []byte) []byte {
	r, n := utf8.DecodeRune(char)
	switch {
	case r == utf8.RuneError && n == 1:
		return fmt.Appendf(safe, `\x%02x`, char[0])
	case !unicode.IsControl(r) || r == '\n' || r == '\t' || r == '\r':
		return append(safe, char...)
	}
	quoted := strconv.QuoteRune(r)
	return append(safe, quoted[1:len(quoted)-1]...)
}
