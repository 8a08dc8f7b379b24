package layers

import "testing"

func TestParseName(t *testing.T) {
	for _, c := range []struct {
		name, path string
		sign       Marker
	}{
		{"etc/passwd", "etc/passwd", Plain},
		{"./etc//", "etc", Plain},
		{"/", "", Plain},
		{"etc/.wh.motd", "etc/motd", Whiteout},
		{".wh.etc", "etc", Whiteout},
		{"etc/.wh..wh..opq", "etc", Opaque},
		{".wh..wh..opq", "", Opaque},
		{".wh..wh.plnk/1.2", ".wh..wh.plnk/1.2", Meta},
		{"etc/.wh.x/y", "etc/.wh.x/y", Plain},
	} {
		path, sign, err := ParseName(c.name)
		if path != c.path || sign != c.sign || err != nil {
			t.Errorf("ParseName(%q) = %q, %v, %v; want %q, %v", c.name, path, sign, err, c.path, c.sign)
		}
	}
	for _, name := range []string{"../x", "a/../../x", "a/.wh..", "a/.wh...", "a/.wh.", ".wh..."} {
		if path, sign, err := ParseName(name); err == nil {
			t.Errorf("ParseName(%q) = %q, %v; want an error", name, path, sign)
		}
	}
}
