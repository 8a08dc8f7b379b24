// Package printable makes text of unknown origin safe to show on a terminal.
//
// A name in an image, a line of a log or an environment variable may hold
// control characters, which move the cursor, rename the window or answer as if
// typed: those of ASCII, U+0000 to U+001F and U+007F, and those of Unicode,
// U+0080 to U+009F, of which U+009B begins a sequence as ESC [ does
// (console_codes(4)). Each function here has its own use:
//
//	String   text of several lines
//	Message  errors and hints
//	Line     a field of a table: one line
//	Quote    an argument, as a C literal
//	Writer   a stream whose colours are kept: logs
//	JSON     a JSON document
//
// Do not use it for what a program will read: there text stays as it is, and
// JSON escapes it.
package printable

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// String replaces the control characters of s, but newline and tab, and bytes
// that are not UTF-8 by U+FFFD.
func String(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || isUpperControl(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// maxWord is the length in bytes of the longest word in a message: more than any path that
// a user types, less than the names that an archive may have.
const maxWord = 1024

// Message is String, with longer words than maxWord cut in the middle.
func Message(s string) string {
	words := strings.SplitAfter(String(s), " ")
	for i, w := range words {
		if len(w) > maxWord {
			words[i] = strings.ToValidUTF8(w[:200], "") + "…" + strings.ToValidUTF8(w[len(w)-100:], "")
		}
	}
	return strings.Join(words, "")
}

// Line returns s as one line: Quote without the quotes, and with " as it is.
func Line(s string) string {
	quoted := Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// Quote returns s as a C literal, in double quotes: what is not printable, and
// bytes that are not UTF-8, are escaped, as in \x1b.
func Quote(s string) string { return strconv.Quote(s) }

// JSON escapes the control characters that encoding/json leaves in a document,
// those from U+007F on, as \u007f. The rest of text stays as it is.
func JSON(text []byte) []byte {
	safe := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if isUpperControl(r) {
			safe = fmt.Appendf(safe, `\u%04x`, r)
		} else {
			safe = append(safe, text[:n]...)
		}
		text = text[n:]
	}
	return safe
}

// isUpperControl reports whether r is a control character above ASCII's first 32.
func isUpperControl(r rune) bool { return 0x7f <= r && r < 0xa0 }
