package printable

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/minictr/minictr/internal/testkit"
)

func TestNoControlCharacters(t *testing.T) {
	const text = "a\x1b[2J\"b\"\u009bc\x7f\xffd\ne\r\té"
	for name, f := range map[string]struct{ got, want string }{
		"String": {String(text), "a\uFFFD[2J\"b\"\uFFFDc\uFFFD\uFFFDd\ne\uFFFD\té"},
		"Line":   {Line(text), `a\x1b[2J"b"\u009bc\x7f\xffd\ne\r\té`},
		"Quote":  {Quote(text), `"a\x1b[2J\"b\"\u009bc\x7f\xffd\ne\r\té"`},
		"JSON": {string(JSON([]byte("{\"é\u009b\x7f\": \"\\u001b\xff\"}\n"))),
			"{\"é\\u009b\\u007f\": \"\\u001b\xff\"}\n"},
	} {
		testkit.Equal(t, name, f.got, f.want)
	}
}

// A name of thousands of characters does not fill the screen; a path of 1000 is whole.
func TestLongNamesAreCut(t *testing.T) {
	path := strings.Repeat("é", 500)
	got := Message("unpack \"" + strings.Repeat("é", 5000) + "\": too long: " + path)
	if len(got) > 1400 || !strings.HasPrefix(got, "unpack \"éé") || !strings.HasSuffix(got, "é\": too long: "+path) ||
		!strings.Contains(got, "é…é") || !utf8.ValidString(got) {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
