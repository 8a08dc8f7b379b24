package printable

import (
	"testing"

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
