package browse

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/layers/index"
)

// imageOf returns an image of these layers, lowest first.
func imageOf(t testing.TB, layers ...[]testkit.Entry) *Image {
	t.Helper()
	image := &Image{Name: "leak.tar"}
	var blobs [][]byte
	for i, entries := range layers {
		for j := range entries {
			entries[j].ModTime = time.Unix(1700000000, 0)
		}
		blob := testkit.Tar(entries...)
		x, err := index.Read(t.Context(), bytes.NewReader(blob))
		testkit.Check(t, err)
		image.Layers = append(image.Layers, Layer{x, fmt.Sprintf("RUN step %d", i+1)})
		blobs = append(blobs, blob)
	}
	image.Open = func(layer int) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(blobs[layer-1])), nil
	}
	return image
}

// leak returns an image whose third layer deletes what the first and the second have.
func leak(t testing.TB) *Image {
	return imageOf(t,
		[]testkit.Entry{
			testkit.Dir("etc", 0o755), testkit.File("etc/motd", 0o644, "one\n"),
			testkit.Dir("data", 0o755), testkit.File("data/big", 0o644, strings.Repeat("x", 5000)),
			testkit.File("data/small", 0o644, "abc"),
			testkit.Dir("root", 0o700), testkit.Link("link", "etc/motd"),
		},
		[]testkit.Entry{
			testkit.Dir("etc", 0o755), testkit.File("etc/motd", 0o644, "two!\n"),
			testkit.Dir("root", 0o700), testkit.Dir("root/.ssh", 0o700),
			testkit.File("root/.ssh/key", 0o600, "PRIVATE\tKEY\r\n42\n"),
		},
		[]testkit.Entry{
			testkit.Dir("root", 0o700), testkit.File("root/.wh..ssh", 0, ""),
			testkit.Dir("data", 0o755), testkit.File("data/.wh..wh..opq", 0, ""),
			testkit.File("data/small", 0o644, "abc"),
		},
	)
}

// A user presses keys, and looks at the screen.
type user struct {
	*testing.T
	model *Model
}

// browse shows an image on a screen of this size.
func browse(t *testing.T, image *Image, width, height int) *user {
	t.Helper()
	u := &user{t, New(image)}
	u.do(u.model.Init())
	u.resize(width, height)
	return u
}

func (u *user) resize(width, height int) { u.send(tea.WindowSizeMsg{Width: width, Height: height}) }

func (u *user) send(msg tea.Msg) {
	_, do := u.model.Update(msg)
	u.do(do)
}

// do runs a command, and those that follow from what it finds.
func (u *user) do(command tea.Cmd) {
	if command == nil {
		return
	}
	if msg := command(); msg != nil {
		u.send(msg)
	}
}

var named = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "backspace": tea.KeyBackspace, "up": tea.KeyUp,
	"down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
	"home": tea.KeyHome, "end": tea.KeyEnd,
}

// key returns the message of a key, as bubbletea names it.
func key(name string) tea.KeyPressMsg {
	k := tea.KeyPressMsg{}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		k.Mod, name = tea.ModCtrl, rest
	}
	if rest, ok := strings.CutPrefix(name, "shift+"); ok {
		k.Mod, name = tea.ModShift, rest
	}
	switch {
	case named[name] != 0:
		k.Code = named[name]
	case name == "space":
		k.Code, k.Text = ' ', " "
	default:
		k.Code = []rune(name)[0]
		if k.Mod == 0 {
			k.Text = name
		}
	}
	return k
}

// press presses keys, separated by spaces.
func (u *user) press(keys string) {
	for name := range strings.FieldsSeq(keys) {
		u.send(key(name))
	}
}

// enters types text and the Enter key.
func (u *user) enters(text string) {
	for _, r := range text {
		u.send(key(string(r)))
	}
	u.press("enter")
}

// screen returns what is shown, without colours.
func (u *user) screen() string { return ansi.Strip(u.model.View().Content) }

// tree returns the right pane, without spaces at the ends of lines.
func (u *user) tree() string {
	u.Helper()
	var b strings.Builder
	for _, line := range strings.Split(u.screen(), "\n") {
		if _, right, ok := strings.Cut(line, "│"); ok {
			b.WriteString(strings.TrimRight(right, " ") + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// sees fails the test unless the screen has all texts.
func (u *user) sees(texts ...string) {
	u.Helper()
	for _, text := range texts {
		if !strings.Contains(u.screen(), text) {
			u.Fatalf("%q is not on the screen:\n%s", text, u.screen())
		}
	}
}

// misses fails the test if the screen has any of these texts.
func (u *user) misses(texts ...string) {
	u.Helper()
	for _, text := range texts {
		if strings.Contains(u.screen(), text) {
			u.Fatalf("%q is on the screen:\n%s", text, u.screen())
		}
	}
}

// TestTopLayerIsShownFirst: on those below, folded, with what it changed.
func TestTopLayerIsShownFirst(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.sees("leak.tar: layer 3 of 3, 5.03kB in all", "  1  5.01kB  RUN step 1", "RUN step 3")
	testkit.Equal(t, "tree", u.tree(), strings.TrimPrefix(`
LAYERS 1–3, CHANGES OF 3
·   -      8B ▾ /
·   3      3B   ▸ data
    2      5B   ▸ etc
    1      0B     link → etc/motd
·   3      0B   ▸ root`, "\n"))
}

func TestMarks(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("Z")
	u.sees("D   1     5kB       big", "D   2     16B     ▾ .ssh", "D   2     16B         key")
	u.press("[")
	u.sees("LAYERS 1–2, CHANGES OF 2", "C   2      5B       motd", "A   2     16B         key",
		"    1     5kB       big")
	u.press("[")
	u.sees("LAYERS 1–1", "A   1      4B       motd")
	u.misses("key")
}

// TestColours: the mark of a path is a colour, too.
func TestColours(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("Z [ tab")
	for _, line := range strings.Split(u.model.View().Content, "\n") {
		if _, right, ok := strings.Cut(line, "│"); ok {
			text := ansi.Strip(right)
			for mark, colour := range map[string]string{"A ": "\x1b[32m", "C ": "\x1b[33m", "D ": "\x1b[31m"} {
				if strings.HasPrefix(text, mark) != strings.Contains(right, colour) {
					t.Errorf("%q: colour of %s", right, mark)
				}
			}
		}
	}
}

func TestReasonOfRemoval(t *testing.T) {
	u := browse(t, leak(t), 130, 24)
	u.press("Z")
	u.enters("/key")
	u.sees("/root/.ssh/key  -rw------- 0:0 16B  layer 3: whiteout of /root/.ssh  of layer 2")
}

// TestAlone: s shows what the layer has and removes, without those below.
func TestAlone(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("s")
	u.sees("LAYER 3 ALONE", "small", "D   1     5kB       big", ".ssh")
	u.misses("motd")
	u.press("[")
	u.sees("LAYER 2 ALONE", "motd", "key")
	u.misses("small", "link")
	u.press("s")
	u.sees("LAYERS 1–2", "link")
}

// TestAllChanges: a marks the changes of all layers above the first.
func TestAllChanges(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("a Z")
	u.sees("LAYERS 1–3, CHANGES OF 2–3", "C   2      5B       motd", "D   1     5kB       big")
	u.misses("key") // which both are without
	u.press("a")
	u.sees("CHANGES OF 3", "key")
}

func TestMarksChosen(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("[ A")
	u.sees("ONLY A", "key")
	u.misses("motd")
	u.press("C")
	u.sees("ONLY AC", "key", "motd")
	u.press("A")
	u.misses("key")
	u.press("C D")
	u.sees("ONLY D")
	u.misses("motd", "key")
	u.press("esc")
	u.sees("link")
}

func TestFold(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("j")
	u.sees("/data  drwxr-xr-x 0:0 3B")
	u.press("space")
	u.sees("▾ data", "small")
	u.press("j l h") // to a file, which does not open, and back to its directory
	u.sees("▾ data", "/data  drwx")
	u.press("h")
	u.sees("▸ data")
	u.misses("small")
	u.press("l")
	u.sees("▾ data")
	u.press("enter")
	u.sees("▸ data")
	u.press("Z")
	u.sees("motd", "key", "/data  drwx")
	u.press("[") // another layer, the same directories
	u.sees("motd", "key", "/data  drwx")
	u.press("z")
	u.misses("   motd", "key")
	u.sees("/data  drwx")
}

func TestFilter(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("/ K e")
	u.sees("filter: Ke")
	u.misses("key", "link") // a capital letter is one
	u.press("backspace backspace k e")
	u.sees("key", "filter: ke")
	u.misses("link", "data")
	u.press("enter")
	u.sees("/root/.ssh/key", "? help", ", ke")
	u.press("/ ctrl+u")
	u.enters("?ig")
	u.sees("big")
	u.misses("key")
	u.press("/ ctrl+u")
	u.enters("etc/m")
	u.sees("motd")
	u.misses("big")
	u.press("/ ctrl+u")
	u.enters("nothing")
	u.sees("no path matches")
	u.press("esc")
	u.sees("link")
	u.press("/ k esc")
	u.sees("link", "? help")
}

// TestFilterOpensDirectories: those that were folded under another filter, too.
func TestFilterOpensDirectories(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("/")
	u.enters("k")
	u.press("g j j space") // root is folded
	u.misses("key")
	u.press("/ e")
	u.sees("key")
}

func TestFilterIgnoresCase(t *testing.T) {
	image := imageOf(t, []testkit.Entry{testkit.File("README", 0o644, ""), testkit.File("read", 0o644, "")})
	u := browse(t, image, 80, 24)
	u.press("/ e a d")
	u.sees("README", "  read")
	u.press("ctrl+u R")
	u.sees("README")
	u.misses("  read")
}

func TestNextMatchOrChange(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	for _, want := range []string{"/data/big", "/root/.ssh", "/root/.ssh/key", "/data/big"} {
		u.press("n")
		u.sees(want + "  ")
	}
	u.press("N N")
	u.sees("/root/.ssh  ")
	u.press("/")
	u.enters("i")
	u.sees("/data/big  ")
	u.press("n")
	u.sees("/link  ")
}

func TestBiggest(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	for _, want := range []string{"/data/big", "/root/.ssh/key", "/etc/motd", "/data/small", "/data/small"} {
		u.press("b")
		u.sees(want + "  ")
	}
	u.press("B B")
	u.sees("/root/.ssh/key  ")
	u.press("g b") // from elsewhere: the biggest
	u.sees("/data/big  ")
}

func TestOrder(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("j o")
	u.sees("BY SIZE", "/data  ")
	if tree := u.tree(); strings.Index(tree, "etc") > strings.Index(tree, "data") {
		t.Errorf("etc is not above data:\n%s", tree)
	}
	u.press("o")
	if tree := u.tree(); strings.Index(tree, "etc") < strings.Index(tree, "data") {
		t.Errorf("data is not above etc:\n%s", tree)
	}
}

// TestMaker: m goes to the layer that made a file, with the cursor at the file.
func TestMaker(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("/")
	u.enters("key")
	u.press("m")
	u.sees("layer 2 of 3", "/root/.ssh/key  ", "A   2     16B         key")
	u.press("m")
	u.sees("layer 2 made it")
	u.press("esc g m")
	u.sees("no layer has it") // the root, which no layer has
}

// TestMakerBehindFilter: a filter that hides the file is cleared.
func TestMakerBehindFilter(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("D b m")
	u.sees("layer 1 of 3", "/data/big  ")
	u.misses("ONLY D")
}

func TestWhy(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("/")
	u.enters("motd")
	u.press("w")
	u.sees("Layers that changed /etc/motd: 2", "    1 A       4B  added          RUN step 1",
		"    2 C       5B  content        RUN step 2")
	u.press("j enter")
	u.sees("layer 2 of 3", "/etc/motd  ")
	u.press("w enter")
	u.sees("layer 1 of 3", "/etc/motd  ")
}

func TestWaste(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("W")
	u.sees("Waste: 5.02kB of 5.03kB are hidden, efficiency 0.0016",
		"     5kB     1      3  opaque       /data/big",
		"     16B     2      3  whiteout     /root/.ssh/key",
		"      4B     1      2  overwritten  /etc/motd")
	u.press("j enter")
	u.sees("layer 3 of 3", "/root/.ssh/key  ")
	u.resize(40, 10)
	u.press("W")
	u.misses("/root/.ssh/key")
	u.press("l l")
	u.sees("PATH", "/root/.ssh/key")
	u.press("h h")
	u.sees("SIZE")
	u.press("q")
	u.resize(80, 24)
	u.press("W G enter")
	u.sees("layer 3 of 3", "/data/small  ")
	u.press("W q")
	u.sees("LAYERS")
}

// TestRemovedFileIsShown: a secret that a layer removed.
func TestRemovedFileIsShown(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("/")
	u.enters("key")
	u.press("enter")
	u.sees("path    /root/.ssh/key", "mode    -rw-------  0600", "size    16 bytes", "time    2023-11-14T22:13:20Z",
		"layer   2  RUN step 2", "PRIVATE KEY  ", "42  ")
	u.press("q")
	u.sees("LAYERS")
}

func TestAttributes(t *testing.T) {
	file := testkit.File("a", 0o4755, "x")
	file.PAXRecords = map[string]string{"SCHILY.xattr.user.note": "\x1b[2J"}
	u := browse(t, imageOf(t, []testkit.Entry{
		file, testkit.Link("b", "a"), testkit.Node(tar.TypeChar, "c", 1, 3), testkit.Dir("d", 0o1777),
	}), 80, 24)
	for path, want := range map[string]string{
		"a": `xattr   user.note=\x1b[2J`, "b": "target  a", "c": "device  1:3", "d": "mode    drwxrwxrwt  1777",
	} {
		u.press("esc /")
		u.enters("/" + path)
		u.press("i")
		u.sees("path    /"+path, want)
		u.press("q")
	}
}

func TestContents(t *testing.T) {
	long := strings.Repeat("line\n", 100)
	wide := "needle " + strings.Repeat("y", 100) + " the end\n"
	needles := long + wide + long + "needle 2\n" + long + "needle 3\n" + long
	u := browse(t, imageOf(t, []testkit.Entry{
		testkit.File("binary", 0o644, "\x7fELF\x00\x01"),
		testkit.File("escape", 0o644, "a\x1b[2Jb\u009bc\rd\n"),
		testkit.File("long", 0o644, needles),
		testkit.File("large", 0o644, strings.Repeat("0123456789abcde\n", 1<<16+1)),
		testkit.File("empty", 0o644, ""),
	}), 80, 24)
	show := func(name string) {
		u.press("esc /")
		u.enters("/" + name)
		u.press("enter")
	}
	show("binary")
	u.sees("7f 45 4c 46 00 01", "|.ELF..|")
	u.press("q")
	show("escape")
	u.sees("a�[2Jb�c�d")
	u.press("q")
	show("empty")
	u.sees("size    0 bytes", "all")
	u.press("q")

	show("long")
	u.misses("needle")
	u.press("/")
	u.enters("NEEDLE")
	u.sees("needle")
	u.press("l l l l l")
	u.sees("the end")
	u.press("h h h h h n")
	u.sees("needle 2")
	u.press("N")
	u.sees("needle yyy")
	u.press("g")
	u.sees("path    /long")
	u.press("/")
	u.enters("nowhere")
	u.sees("not found: nowhere")
	u.press("q")

	show("large")
	u.press("G")
	u.sees("the first 1.05MB of 1.05MB", "of 65546") // 8 lines before, 2 after it
}

// TestReadingStops: Esc stops reading a large layer, and what it finds later is not shown.
func TestReadingStops(t *testing.T) {
	image := leak(t)
	u := browse(t, image, 80, 24)
	u.press("b")
	_, read := u.model.Update(key("enter"))
	u.sees("reading layer 1 … (Esc stops)")
	u.press("esc")
	u.send(read())
	u.sees("LAYERS")
	u.misses("xxx", "canceled")
}

// TestErrorIsShown: one of a layer that cannot be read.
func TestErrorIsShown(t *testing.T) {
	image := leak(t)
	image.Open = func(int) (io.ReadCloser, error) { return nil, fmt.Errorf("open blob: \x1b[2Jgone") }
	u := browse(t, image, 80, 24)
	u.press("b enter")
	u.sees(`read /data/big: open blob: \x1b[2Jgone`)
	u.press("j")
	u.misses("gone")
}

func TestPanes(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	u.press("tab")
	u.sees("layer 3: RUN step 3")
	u.press("g")
	u.sees("layer 1 of 3", "LAYERS 1–1")
	u.press("j")
	u.sees("LAYERS 1–2, CHANGES OF 2")
	u.press("enter j")
	u.sees("/data  ")
	u.press("] ]")
	u.sees("layer 3 of 3")
}

func TestMotions(t *testing.T) {
	var entries []testkit.Entry
	for i := range 100 {
		entries = append(entries, testkit.File(fmt.Sprintf("f%02d", i), 0o644, ""))
	}
	u := browse(t, imageOf(t, entries), 80, 24) // 20 lines
	for _, step := range []struct{ keys, want string }{
		{"j down", "/f01"}, {"k", "/f00"}, {"up", "/ "}, {"pgdown", "/f19"}, {"f ctrl+f", "/f59"}, {"ctrl+b", "/f39"},
		{"pgup", "/f19"}, {"d", "/f29"}, {"ctrl+d", "/f39"}, {"u", "/f29"}, {"ctrl+u", "/f19"}, {"G", "/f99"},
		{"g", "/ "}, {"end", "/f99"}, {"home", "/ "},
	} {
		u.press(step.keys)
		if !strings.Contains(details(u.model), step.want) {
			t.Errorf("after %s: %q, want %q", step.keys, details(u.model), step.want)
		}
		if !strings.Contains(u.tree(), strings.TrimPrefix(strings.TrimSpace(step.want), "/")) {
			t.Errorf("after %s: the cursor is not on the screen:\n%s", step.keys, u.screen())
		}
	}
}

// TestHelpHasEveryKey: each of them once, in lines that fit the screen.
func TestHelpHasEveryKey(t *testing.T) {
	seen := map[string]bool{}
	for _, group := range bindings {
		for _, b := range group.list {
			for name := range strings.FieldsSeq(b.keys) {
				if seen[name] {
					t.Errorf("%s is bound twice", name)
				}
				seen[name] = true
			}
		}
	}
	for name := range strings.FieldsSeq(inFront) {
		if !seen[name] {
			t.Errorf("%s is not bound", name)
		}
	}
	for _, line := range helpLines(40) {
		if ansi.StringWidth(line) > 40 {
			t.Errorf("%q is wider than 40 columns", line)
		}
	}
	u := browse(t, leak(t), 40, 10)
	u.press("?")
	u.sees("close, or quit", "close, stop reading, or", "clear the filter")
	u.press("G")
	u.sees("etc/ssl")
	u.press("q")
	u.sees("LAYERS")
}

func TestQuit(t *testing.T) {
	for _, keys := range []string{"q", "ctrl+c", "? ctrl+c", "/ ctrl+c", "W q q"} {
		u := browse(t, leak(t), 80, 24)
		names := strings.Fields(keys)
		u.press(strings.Join(names[:len(names)-1], " "))
		_, do := u.model.Update(key(names[len(names)-1]))
		if do == nil {
			t.Fatalf("%s: does not quit", keys)
		}
		if _, quits := do().(tea.QuitMsg); !quits {
			t.Errorf("%s: does not quit", keys)
		}
	}
}

// hostile returns an image with names that are not of ASCII, and long ones.
func hostile(t testing.TB) *Image {
	return imageOf(t, []testkit.Entry{
		testkit.File("\x1b[31mred\nline", 0o644, "x"), testkit.File("csi\u009b2J", 0o644, "x"),
		testkit.Dir("世界世界世界世界世界世界世界世界世界世界", 0o755),
		testkit.File("世界世界世界世界世界世界世界世界世界世界/🐳🐳🐳🐳🐳🐳🐳🐳", 0o644, "🐳 世界\n"),
		testkit.File("flag🇩🇪heart❤️", 0o644, "x"), testkit.File("right\u202eleft", 0o644, "x"),
		testkit.File("cafe\u0301", 0o644, "x"), testkit.File(strings.Repeat("n", 200), 0o644, "x"),
		testkit.Link("to", "\x1b]0;title\a"),
	})
}

// TestScreenIsFull: on a screen of any size from 40×10 up, whatever is shown, there are as
// many lines as the screen has, none of them wider, and nothing moves the cursor.
func TestScreenIsFull(t *testing.T) {
	for _, image := range []*Image{leak(t), hostile(t), imageOf(t), imageOf(t, nil, nil)} {
		for _, size := range [][2]int{{40, 10}, {41, 11}, {59, 20}, {80, 24}, {130, 15}, {200, 60}, {500, 100}} {
			width, height := size[0], size[1]
			u := browse(t, image, width, height)
			for _, keys := range []string{
				"Z", "tab", "tab", "s", "s", "a", "o", "G", "b enter", "G", "q", "W", "G", "q", "w", "q", "?", "q",
				"/ x", "enter", "esc", "[", "A",
			} {
				u.press(keys)
				lines := strings.Split(u.model.View().Content, "\n")
				if len(lines) != height {
					t.Errorf("%d×%d, %s: %d lines\n%s", width, height, keys, len(lines), u.screen())
				}
				for _, line := range lines {
					text := ansi.Strip(line)
					if ansi.StringWidth(text) > width || ansi.StringWidthWc(text) > width {
						t.Errorf("%d×%d, %s: %d columns: %q", width, height, keys, ansi.StringWidth(text), text)
					}
					for _, r := range text {
						if r < ' ' || 0x7f <= r && r < 0xa0 {
							t.Errorf("%d×%d, %s: control character in %q", width, height, keys, text)
						}
					}
				}
			}
		}
	}
}

func TestNamesAreEscaped(t *testing.T) {
	u := browse(t, hostile(t), 100, 24)
	u.press("Z")
	u.sees(`\x1b[31mred\nline`, `csi\u009b2J`, `right\u202eleft`, `to → \x1b]0;title\a`, "世界", "🐳🐳",
		`flag\U0001f1e9\U0001f1eaheart\u2764\ufe0f`)
}

func TestTooSmall(t *testing.T) {
	u := browse(t, leak(t), 30, 8)
	u.sees("30×8: too small")
	u.resize(40, 10)
	u.sees("LAYERS")
	u.press("G")
	u.resize(120, 10)
	u.sees("root")
}

// TestFastKeys: the layer whose comparison arrives last is the one that is shown.
func TestFastKeys(t *testing.T) {
	u := browse(t, leak(t), 80, 24)
	_, first := u.model.Update(key("["))
	u.press("[") // before that is compared
	u.sees("layer 1 of 3", "LAYERS 1–3, CHANGES OF 3 …")
	_, second := u.model.Update(first())
	u.sees("LAYERS 1–3, CHANGES OF 3 …")
	u.do(second)
	u.sees("LAYERS 1–1")
}

// FuzzKeys presses any keys, on screens of any size, and lets what runs beside the model
// arrive at any time: nothing panics, and the screen is full.
func FuzzKeys(f *testing.F) {
	var names []string
	for _, group := range bindings {
		for _, b := range group.list {
			names = append(names, strings.Fields(b.keys)...)
		}
	}
	names = append(names, "?", "x", "backspace", "*", "[")
	f.Add([]byte("the keys of a user who types a text"))
	f.Add([]byte{200, 210, 220, 230, 240, 250, 17, 33, 35, 255, 28, 30})
	f.Fuzz(func(t *testing.T, data []byte) {
		m := New(leak(t))
		later := []tea.Cmd{m.Init()}
		m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
		for _, b := range data {
			switch n := int(b); {
			case n < len(names):
				_, do := m.Update(key(names[n]))
				if do != nil && names[n] != "ctrl+z" {
					later = append(later, do)
				}
			case n < 200 && len(later) > 0:
				_, do := m.Update(later[0]())
				later = later[1:]
				if do != nil {
					later = append(later, do)
				}
			case n >= 200:
				m.Update(tea.WindowSizeMsg{Width: minWidth + n%50*3, Height: minHeight + n%40})
			}
			if lines := strings.Count(m.View().Content, "\n") + 1; lines != m.height {
				t.Fatalf("%d lines on a screen of %d", lines, m.height)
			}
		}
	})
}
