package main

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// printable writes JSON that steers no terminal. JSON wants the control
// characters of ASCII escaped; delete, and those that Unicode has after it,
// among them a second escape (U+009B), are left to the writer.
type printable struct{ to io.Writer }

func (w printable) Write(text []byte) (int, error) {
	escaped := make([]byte, 0, len(text))
	for rest := text; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if 0x7f <= r && r < 0xa0 {
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		} else {
			escaped = append(escaped, rest[:n]...)
		}
		rest = rest[n:]
	}
	if _, err := w.to.Write(escaped); err != nil {
		return 0, err
	}
	return len(text), nil
}
