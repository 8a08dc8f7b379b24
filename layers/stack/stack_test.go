package stack

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/layers/index"
)

// A layer is written as lines, the name first:
//
//	etc/           a directory
//	etc/motd 12    a file of 12 bytes
//	etc/motd 12 b  the same with other content
//	etc/motd 12 a 0600
//	lib -> usr     a symbolic link
//	b = a          a hard link
func layer(text string) []byte {
	var entries []testkit.Entry
	for line := range strings.SplitSeq(text, "\n") {
		if f := strings.Fields(line); len(f) > 0 {
			entries = append(entries, parseEntry(f))
		}
	}
	return testkit.Tar(entries...)
}

func parseEntry(f []string) testkit.Entry {
	switch {
	case len(f) == 3 && f[1] == "->":
		return testkit.Link(f[0], f[2])
	case len(f) == 3 && f[1] == "=":
		return testkit.Entry{Header: tar.Header{Name: f[0], Linkname: f[2], Typeflag: tar.TypeLink, Mode: 0o644}}
	case strings.HasSuffix(f[0], "/"):
		return testkit.Dir(f[0], 0o755)
	}
	size, mode, fill := 0, int64(0o644), "a"
	if len(f) > 1 {
		fmt.Sscan(f[1], &size)
	}
	if len(f) > 2 {
		fill = f[2]
	}
	if len(f) > 3 {
		fmt.Sscanf(f[3], "%o", &mode)
	}
	return testkit.File(f[0], mode, strings.Repeat(fill, size))
}

func indexes(t testing.TB, layers ...string) (all []*index.Index) {
	t.Helper()
	for _, text := range layers {
		x, err := index.Read(t.Context(), bytes.NewReader(layer(text)))
		testkit.Check(t, err)
		all = append(all, x)
	}
	return all
}

func stacked(t testing.TB, layers ...string) *Stack {
	t.Helper()
	s, err := New(indexes(t, layers...)...)
	testkit.Check(t, err)
	return s
}

func TestChanges(t *testing.T) {
	for _, c := range []struct {
		name    string
		layers  []string
		changes string // of the last layer
		hidden  string
	}{
		{"added", []string{"etc/", "etc/motd 5"}, "A /etc/motd", ""},
		{"overwritten", []string{"motd 5", "motd 7"}, "C /motd content", "/motd 5 overwritten by 2"},
		{"written again", []string{"motd 5", "motd 5"}, "C /motd", "/motd 5 overwritten by 2"},
		{"mode", []string{"motd 5", "motd 5 a 600"}, "C /motd mode", "/motd 5 overwritten by 2"},
		{"whiteout", []string{"etc/\netc/motd 5", "etc/.wh.motd"},
			"D /etc/motd whiteout /etc/motd", "/etc/motd 5 whiteout by 2"},
		{"whiteout of a directory", []string{"etc/a/b 5\netc/c 2", ".wh.etc"},
			"D /etc whiteout /etc; D /etc/a whiteout /etc; D /etc/a/b whiteout /etc; D /etc/c whiteout /etc",
			"/etc/a/b 5 whiteout by 2; /etc/c 2 whiteout by 2"},
		{"whiteout of nothing", []string{"a 1", ".wh.b"}, "D /b whiteout /b", ""},
		{"opaque", []string{"data/\ndata/big 1000\ndata/keep 3", "data/\ndata/.wh..wh..opq\ndata/keep 3"},
			"D /data/big opaque /data; C /data/keep", "/data/big 1000 opaque by 2; /data/keep 3 overwritten by 2"},
		{"opaque, mark first and deep", []string{"d/e/f/x 9", "d/.wh..wh..opq\nd/e/f/y 1"},
			"D /d/e/f/x opaque /d; A /d/e/f/y", "/d/e/f/x 9 opaque by 2"},
		{"opaque, mark last", []string{"d/x 9", "d/y 1\nd/.wh..wh..opq"},
			"D /d/x opaque /d; A /d/y", "/d/x 9 opaque by 2"},
		{"opaque root", []string{"a 4\nb 2", ".wh..wh..opq\nb 2"},
			"D /a opaque /; C /b", "/a 4 opaque by 2; /b 2 overwritten by 2"},
		{"whiteout and a directory of the name", []string{"d/x 9", ".wh.d\nd/\nd/y 1"},
			"D /d/x opaque /d; A /d/y", "/d/x 9 opaque by 2"},
		{"a directory and then its whiteout", []string{"d/x 9", "d/y 1\n.wh.d"},
			"D /d/x opaque /d; A /d/y", "/d/x 9 opaque by 2"},
		{"whiteout and a file of the name", []string{"f 9", ".wh.f\nf 1"}, "C /f content", "/f 9 overwritten by 2"},
		{"a file where a directory was", []string{"d/x 9", "d 1"},
			"D /d/x replaced /d; C /d type mode", "/d/x 9 replaced by 2"},
		{"a directory where a file was", []string{"d 9", "d/x 1"}, "C /d type mode; A /d/x", "/d 9 overwritten by 2"},
		{"one of two names", []string{"a 8\nb = a", ".wh.a"}, "D /a whiteout /a", ""},
		{"names of a pseudolink",
			[]string{"a 1", ".wh..wh.plnk/1 8\na = .wh..wh.plnk/1\nb = .wh..wh.plnk/1", ".wh.a"},
			"D /a whiteout /a", "/a 1 overwritten by 2"},
		{"both names", []string{"a 8\nb = a", ".wh.a\n.wh.b"},
			"D /a whiteout /a; D /b whiteout /b", "/b 8 whiteout by 2"},
		{"a name and then the other", []string{"a 8\nb = a", ".wh.a", ".wh.b"},
			"D /b whiteout /b", "/b 8 whiteout by 3"},
		{"back again", []string{"a 8", ".wh.a", "a 8"}, "A /a", "/a 8 whiteout by 2"},
		{"twice in one layer", []string{"a 8\na 2"}, "A /a", "/a 8 overwritten by 1"},
		{"a parent that is a link", []string{"lib/\nlib/x 1", "usr/lib/\nlib -> usr/lib\nlib/y 2"},
			"D /lib/x replaced /lib; C /lib type mode; A /usr; A /usr/lib; A /usr/lib/y", "/lib/x 1 replaced by 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stacked(t, c.layers...)
			testkit.Equal(t, "changes", changesOf(s, len(c.layers)), c.changes)
			testkit.Equal(t, "hidden", hiddenOf(s), c.hidden)
			testkit.Equal(t, "bytes that the tree shows, and that are visible", s.Root.Size(), s.Visible())
		})
	}
}

func changesOf(s *Stack, layer int) string {
	var all []string
	for _, c := range s.Changes {
		if c.Layer != layer {
			continue
		}
		text := fmt.Sprintf("%c %s %s", c.Mark, c.Node.Path(), c.What)
		if c.By != nil {
			text += fmt.Sprintf("%s %s", c.How, c.By.Path())
		}
		all = append(all, strings.TrimSpace(text))
	}
	return strings.Join(all, "; ")
}

func hiddenOf(s *Stack) string {
	var all []string
	for _, h := range s.Hidden {
		all = append(all, fmt.Sprintf("%s %d %s by %d", h.Node.Path(), h.Size, h.How, h.Layer))
	}
	return strings.Join(all, "; ")
}

// dive 0.13 takes an opaque marker for a whiteout of a file ".wh..opq", and reports
// no waste.
func TestOpaqueFolderIsWaste(t *testing.T) {
	s := stacked(t, "app/\napp/old 900", "app/\napp/.wh..wh..opq\napp/new 100")
	if s.Total != 1000 || s.Visible() != 100 || s.Efficiency() != 0.1 {
		t.Errorf("%d of %d bytes are visible, efficiency %v; want 100 of 1000, 0.1",
			s.Visible(), s.Total, s.Efficiency())
	}
}

func TestFind(t *testing.T) {
	s := stacked(t, "usr/lib/x 1\nlib -> usr/lib\nusr/up -> ../lib/x\nabs -> /lib/x\n"+
		"loop -> loop\nout -> ../../../lib/x")
	for path, want := range map[string]string{
		"/lib/x": "/usr/lib/x", "/usr/up": "/usr/lib/x", "abs": "/usr/lib/x", "/out": "/usr/lib/x",
		"/loop": "", "/none": "", "/lib/x/y": "", "/": "/", "/lib/../up": "/usr/lib/x",
	} {
		got := ""
		if n := s.Find(path, true); n != nil {
			got = n.Path()
		}
		testkit.Equal(t, fmt.Sprintf("Find(%q)", path), got, want)
	}
	if n := s.Find("/abs", false); n == nil || n.Kind != index.Symlink {
		t.Errorf("Find of a link itself: %v", n)
	}
}

func TestDiff(t *testing.T) {
	a := stacked(t, "same 1\nchanged 2\ngone/x 3")
	b := stacked(t, "same 1\nchanged 2 b 600\nnew/y 4")
	var got []string
	Diff(a.Root, b.Root).Walk(func(d *Difference) {
		if d.Mark != Same {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%c %s %s", d.Mark, d.Node.Path(), d.What)))
		}
	})
	want := "C /changed content mode; D /gone; D /gone/x; A /new; A /new/y"
	testkit.Equal(t, "changes", strings.Join(got, "; "), want)
}

func TestHostileLayers(t *testing.T) {
	for _, text := range []string{
		"a = b",                       // a link to nothing
		"a = a",                       // to itself
		"d/\na = d",                   // to a directory
		"f 1\nf/x 1",                  // a file in a file
		"l -> l\nl/x 1",               // in a link loop
		"l -> /nowhere/else\nl/.wh.x", // in a dangling link
	} {
		if s, err := New(indexes(t, text)...); err == nil {
			t.Errorf("%q: taken, %s", text, changesOf(s, 1))
		}
	}
}

// A path a/a/a/… of few bytes makes many directories. They are limited.
func TestImpliedDirectoriesCounted(t *testing.T) {
	x := indexes(t, strings.Repeat("a/", 60)+"x 1\n"+strings.Repeat("b/", 60)+"x 1")[0]
	testkit.Check(t, empty(200).add(x))
	if err := empty(100).add(x); err == nil {
		t.Error("122 names within a limit of 100")
	}
}

// A deleted file can be extracted, with its directory, mode and other names.
func TestExtract(t *testing.T) {
	const text = "root/\nroot/.ssh/\nroot/.ssh/key 4000 s 600\n" +
		"root/.ssh/link -> /etc/shadow\nroot/.ssh/again = root/.ssh/key"
	s := stacked(t, text)
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	testkit.Check(t, err)
	defer root.Close()
	open := func(int) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer(text))), nil }
	left, err := Extract(t.Context(), s.Find("/root/.ssh", false), root, "out", open)
	if err != nil || len(left) > 0 {
		t.Fatalf("left %q, error %v", left, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "out/key"))
	if err != nil || string(data) != strings.Repeat("s", 4000) {
		t.Errorf("key is %.20q…, %v", data, err)
	}
	key, _ := os.Stat(filepath.Join(dir, "out/key"))
	again, _ := os.Stat(filepath.Join(dir, "out/again"))
	if key.Mode() != 0o600 || !os.SameFile(key, again) {
		t.Errorf("key has mode %v, and its other name is another file", key.Mode())
	}
	if target, err := os.Readlink(filepath.Join(dir, "out/link")); target != "/etc/shadow" {
		t.Errorf("link leads to %q, %v", target, err)
	}
	if _, err := Extract(t.Context(), s.Find("/root/.ssh", false), root, "out", open); !errors.Is(err, os.ErrExist) {
		t.Errorf("extracting over what is there: %v", err)
	}
}

// Extract writes through no existing link, whether it leads out of the directory or
// not.
func TestExtractFollowsNoLink(t *testing.T) {
	const text = "f 3\nd/f 3"
	s := stacked(t, text)
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	testkit.Check(t, os.Mkdir(out, 0o700))
	canaries := []string{filepath.Join(dir, "canary"), filepath.Join(out, "canary")}
	for i, canary := range canaries {
		testkit.Check(t, os.WriteFile(canary, []byte("alive"), 0o600))
		testkit.Check(t, os.Symlink(canary, filepath.Join(out, fmt.Sprint("abs", i))))
	}
	err := errors.Join(os.Symlink("canary", filepath.Join(out, "rel")), os.Symlink("..", filepath.Join(out, "up")))
	testkit.Check(t, err)
	root, err := os.OpenRoot(out)
	testkit.Check(t, err)
	defer root.Close()
	for _, to := range []string{"abs0", "abs1", "rel", "canary", "up/canary", "up/new", "../new"} {
		_, err = Extract(t.Context(), s.Find("/f", false), root, to, func(int) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(layer(text))), nil
		})
		if err == nil {
			t.Errorf("%s: wrote to it", to)
		}
	}
	for _, canary := range canaries {
		if data, _ := os.ReadFile(canary); string(data) != "alive" {
			t.Errorf("%s says %q", canary, data)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "new")); err == nil {
		t.Error("made a file outside of the directory")
	}
}

func TestWhy(t *testing.T) {
	s := stacked(t, "a 1", "a 2", "b 1", ".wh.a", "a 3")
	var layers []int
	for _, c := range s.Why("/a") {
		layers = append(layers, c.Layer)
	}
	if !slices.Equal(layers, []int{1, 2, 4, 5}) {
		t.Errorf("layers %v", layers)
	}
}
