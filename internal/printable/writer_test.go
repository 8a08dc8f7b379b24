package printable

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/minictr/minictr/internal/testkit"
)

// written returns what Writer makes of the parts.
func written(t *testing.T, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := Writer(&b)
	for _, p := range parts {
		if n, err := w.Write([]byte(p)); err != nil || n != len(p) {
			t.Fatalf("write %q: %d, %v", p, n, err)
		}
	}
	testkit.Check(t, w.Close())
	return b.String()
}

// TestWriterEscapesControlSequences: output moves no cursor, renames no window and
// types nothing, however it is cut into writes.
func TestWriterEscapesControlSequences(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"two\nlines\r\n\tand é 世 🐳":  "two\nlines\r\n\tand é 世 🐳",
		"\x1b[1;31mred\x1b[0m\x1b[m": "\x1b[1;31mred\x1b[0m\x1b[m",
		"\x1b[38;2;1;22;255mred":     "\x1b[38;2;1;22;255mred",

		"\x1b[2Jx":                               `\x1b[2Jx`,            // clears the screen
		"\x1b]0;title\a":                         `\x1b]0;title\a`,      // renames the window
		"\x1b]52;c;bHM=\x1b\\":                   `\x1b]52;c;bHM=\x1b\`, // into the clipboard
		"\x1b[6n":                                `\x1b[6n`,             // answers as if typed
		"\x1b[31;1Hx":                            `\x1b[31;1Hx`,         // moves the cursor
		"\x1b[?1049h":                            `\x1b[?1049h`,         // takes the whole screen
		"\x1b[>4m":                               `\x1b[>4m`,            // changes what keys send
		"\x1b[31\x1b[31m":                        "\\x1b[31\x1b[31m",
		"\x1bc":                                  `\x1bc`,
		"\x1b":                                   `\x1b`,
		"\x1b[3":                                 `\x1b[3`,
		"\u009b2J":                               `\u009b2J`, // as ESC [
		"\x9b2J":                                 `\x9b2J`,   // that, for a terminal of one byte a character
		"\xc2":                                   `\xc2`,
		"\xe4\xb8":                               `\xe4\xb8`,
		"\xc2\x1b[2J":                            `\xc2\x1b[2J`,
		"a\bb\x00\x7f\v\f\x0e":                   `a\bb\x00\x7f\v\f\x0e`,
		"\x1b[" + strings.Repeat("1", 100) + "m": `\x1b[` + strings.Repeat("1", 100) + "m",
	} {
		testkit.Equal(t, text, written(t, text), want)
		testkit.Equal(t, fmt.Sprintf("%q, rune by rune", text), written(t, strings.Split(text, "")...), want)
		var single []string
		for _, b := range []byte(text) {
			single = append(single, string([]byte{b}))
		}
		testkit.Equal(t, fmt.Sprintf("%q, byte by byte", text), written(t, single...), want)
	}
}

// TestWriterShowsPrompt: a prompt is shown before anything follows it.
func TestWriterShowsPrompt(t *testing.T) {
	var b bytes.Buffer
	w := Writer(&b)
	for _, text := range []string{"\x1b[1mname?\x1b[m ", "\x1b[" + strings.Repeat("1", longest)} {
		b.Reset()
		w.Write([]byte(text))
		testkit.Equal(t, text, strings.ReplaceAll(b.String(), `\x1b`, "\x1b"), text)
	}
}

func FuzzWriter(f *testing.F) {
	f.Add("\x1b[1;31mred\x1b[0m", 3)
	f.Add("\x1b]0;\u009b\x9b\xc2", 7)
	f.Fuzz(func(t *testing.T, text string, n int) {
		n = max(0, min(n, len(text)))
		got := written(t, text[:n], text[n:])
		testkit.Equal(t, fmt.Sprintf("%q parted at %d", text, n), got, written(t, text))
		if !utf8.ValidString(got) {
			t.Errorf("%q: %q", text, got)
		}
		for i, r := range got {
			if n, _ := colour([]byte(got[i:])); unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' && n == 0 {
				t.Errorf("%q: %q has %q in it", text, got, r)
			}
		}
	})
}
