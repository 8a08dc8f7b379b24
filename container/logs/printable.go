package logs

// Text for a terminal, in which control characters could do anything: move the
// cursor, rename the window, type for the user. There are more than those of
// ASCII: U+0080 to U+009F are some too, and U+009B begins a sequence as well as
// escape and [ do. Shown as they are only newline, tab, carriage return, and
// Select Graphic Rendition, escape [ digits and semicolons m: colours.

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Printable returns a writer for text that others have made and a terminal will
// show. It hands on to w, in place of control characters and of bytes that are
// not UTF-8, what Go writes for them in strings, such as \x1b for escape. What
// may be the beginning of a character or of a colour waits for the next Write;
// Close writes what still waits, and leaves w open.
func Printable(w io.Writer) io.WriteCloser { return &printable{to: w} }

type printable struct {
	to      io.Writer
	waiting []byte
}

func (p *printable) Write(text []byte) (int, error) {
	safe, rest := escape(nil, append(p.waiting, text...))
	p.waiting = bytes.Clone(rest)
	if _, err := p.to.Write(safe); err != nil {
		return 0, err
	}
	return len(text), nil
}

func (p *printable) Close() error {
	var safe []byte
	for len(p.waiting) > 0 {
		safe = appendEscaped(safe, p.waiting[:1])
		safe, p.waiting = escape(safe, p.waiting[1:])
	}
	_, err := p.to.Write(safe)
	return err
}

// escape appends text to safe, but for a rest of which only what follows will
// tell.
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

// longest is how many bytes a colour has at most. Both colours in full, as in
// escape[38;2;255;255;255;48;2;255;255;255m, are 36.
const longest = 64

// colour says how long the colour is with which text begins, 0 for none. It is
// not whole if it may go on behind text.
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

// appendEscaped appends one character, or one byte of none.
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
