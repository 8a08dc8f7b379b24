package browse

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/docker/go-units"
	"github.com/minictr/minictr/internal/printable"
)

// safe returns a name on one line, of a width in which all terminals agree: what is not
// printable is escaped, and so are names with runes that some terminals join to one
// character, such as flags and emoji with a variation selector.
func safe(name string) string {
	line := printable.Line(name)
	if ansi.StringWidth(line) != ansi.StringWidthWc(line) {
		quoted := strconv.QuoteToASCII(name)
		line = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
	}
	return line
}

// contents returns the content of a file as lines: a binary file as a hex dump.
func contents(data []byte) []string {
	if bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(cutRune(data)) {
		return strings.Split(strings.TrimSuffix(hex.Dump(data), "\n"), "\n")
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	lines := strings.Split(strings.TrimSuffix(printable.String(text), "\n"), "\n")
	for i, l := range lines {
		lines[i] = expand(l)
	}
	return lines
}

// cutRune returns data without a rune at its end that is not complete.
func cutRune(data []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(data); n++ {
		if b := data[len(data)-n:]; utf8.RuneStart(b[0]) {
			if !utf8.FullRune(b) {
				return data[:len(data)-n]
			}
			break
		}
	}
	return data
}

// expand replaces tabs by spaces.
func expand(line string) string {
	if !strings.Contains(line, "\t") {
		return line
	}
	var b strings.Builder
	column := 0
	for i, part := range strings.Split(line, "\t") {
		if i > 0 {
			gap := 8 - column%8
			b.WriteString(strings.Repeat(" ", gap))
			column += gap
		}
		b.WriteString(part)
		column += ansi.StringWidth(part)
	}
	return b.String()
}

// fit returns a line of exactly width columns: cut, or filled with spaces.
func fit(line string, width int) string {
	line = ansi.Truncate(line, width, "…")
	return line + strings.Repeat(" ", max(width-ansi.StringWidth(line), 0))
}

// cut returns the columns of a line from left on, exactly width of them.
func cut(line string, left, width int) string { return fit(ansi.Cut(line, left, left+width), width) }

// sideways returns by how many columns lines are scrolled out after scrolling by some more.
func sideways(left, columns int, lines []string) int {
	longest := 0
	for _, l := range lines {
		longest = max(longest, ansi.StringWidth(l))
	}
	return max(min(left+columns, longest-1), 0)
}

func humanSize(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

// oneLine returns an instruction on one line.
func oneLine(text string) string { return safe(strings.Join(strings.Fields(text), " ")) }

// wrap breaks a text into lines of at most width columns, between words where it can.
func wrap(text string, width int) []string { return strings.Split(ansi.Wrap(text, width, ""), "\n") }
