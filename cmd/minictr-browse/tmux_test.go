package main

// The browser in a real terminal: tmux(1), in which the tests press keys and read the
// screen. minictr and minictr-browse are built and lie side by side, as installed.

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
)

// programs is the directory of minictr and minictr-browse.
var programs string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "minictr-browse")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	programs = dir
	return m.Run()
}

// build builds both programs.
func build(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(programs, "minictr-browse")); err == nil {
		return
	}
	out, err := exec.Command("go", "build", "-o", programs, "../minictr", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}

// A terminal is a window of tmux with a shell.
type terminal struct {
	*testing.T
	dir string
}

// open opens a terminal of this size, with the image image.tar in its directory.
func open(t *testing.T, width, height int, env ...string) *terminal {
	t.Helper()
	testkit.NeedTool(t, "tmux", "go")
	build(t)
	w := &terminal{t, t.TempDir()}
	testkit.Check(t, os.WriteFile(filepath.Join(w.dir, "image.tar"), archive(), 0o644))
	testkit.Check(t, os.WriteFile(filepath.Join(w.dir, "tmux.conf"), []byte("set -g status off\n"), 0o644))
	shell := append([]string{"env", "-i", "-C", w.dir, "HOME=" + w.dir, "PATH=" + programs + ":" + os.Getenv("PATH"),
		"TERM=xterm", "LC_ALL=C.UTF-8", "PS1=shell> "}, env...)
	w.tmux(append([]string{"new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height)},
		append(shell, "sh", "-i")...)...)
	t.Cleanup(func() { w.tmux("kill-server") })
	w.sees("shell>")
	return w
}

// archive is an image in the form of docker save, whose third layer deletes.
func archive() []byte {
	layers := [][]byte{
		testkit.Tar(
			testkit.Dir("etc", 0o755), testkit.File("etc/motd", 0o644, "one\n"), testkit.Dir("data", 0o755),
			testkit.File("data/big", 0o644, strings.Repeat("line of a big file\n", 300)),
			testkit.File("data/\x1b[2Jname", 0o644, ""), testkit.File("data/世界🐳", 0o644, "wide 世界 runes\n"),
			testkit.Dir("root", 0o700),
		),
		testkit.Tar(
			testkit.Dir("etc", 0o755), testkit.File("etc/motd", 0o644, "two!\n"), testkit.Dir("root", 0o700),
			testkit.Dir("root/.ssh", 0o700), testkit.File("root/.ssh/key", 0o600, "PRIVATE KEY 42\n"),
		),
		testkit.Tar(testkit.Dir("root", 0o700), testkit.File("root/.wh..ssh", 0, "")),
	}
	var entries []testkit.Entry
	var ids, names, history []string
	list := func(words []string) string { return "[" + strings.Join(words, ",") + "]" }
	for i, layer := range layers {
		name := strconv.Itoa(i+1) + ".tar"
		entries = append(entries, testkit.File(name, 0o644, string(layer)))
		ids = append(ids, strconv.Quote(digest.FromBytes(layer).String()))
		names = append(names, strconv.Quote(name))
		history = append(history, `{"created_by": "RUN step `+strconv.Itoa(i+1)+`"}`)
	}
	return testkit.Tar(append(entries,
		testkit.File("config.json", 0o644, `{"architecture": "amd64", "os": "linux", "config": {}, "rootfs":
			{"type": "layers", "diff_ids": `+list(ids)+`}, "history": `+list(history)+`}`),
		testkit.File("manifest.json", 0o644, `[{"Config": "config.json", "Layers": `+list(names)+`}]`),
	)...)
}

// tmux runs a command of the tmux that is the terminal's own.
func (w *terminal) tmux(args ...string) string {
	w.Helper()
	own := []string{"-S", filepath.Join(w.dir, "tmux"), "-f", filepath.Join(w.dir, "tmux.conf"), "-u"}
	out, err := exec.Command("tmux", append(own, args...)...).CombinedOutput()
	if err != nil {
		w.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// press presses keys, as tmux names them, separated by spaces.
func (w *terminal) press(keys string) {
	w.Helper()
	w.tmux(append([]string{"send-keys"}, strings.Fields(keys)...)...)
}

// types types a line.
func (w *terminal) types(line string) {
	w.Helper()
	w.tmux("send-keys", "-l", line)
	w.press("Enter")
}

func (w *terminal) screen() string {
	w.Helper()
	return w.tmux("capture-pane", "-p")
}

// sees waits until the screen has all texts.
func (w *terminal) sees(texts ...string) {
	w.Helper()
	w.until(texts, func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

// loses waits until the screen has none of these texts.
func (w *terminal) loses(texts ...string) {
	w.Helper()
	w.until(texts, func(screen string) bool {
		for _, text := range texts {
			if strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

func (w *terminal) until(texts []string, done func(string) bool) {
	w.Helper()
	if !testkit.Within(func() bool { return done(w.screen()) }) {
		w.Fatalf("%q:\n%s", texts, w.screen())
	}
}

// browse starts the browser.
func (w *terminal) browse() {
	w.Helper()
	w.types("minictr layers browse image.tar")
	w.sees("LAYERS 1–3", "root")
}

// TestSizes: all sizes from 40×10 up have the panes, the details and the keys in them.
func TestSizes(t *testing.T) {
	for _, size := range [][2]int{{40, 10}, {80, 24}, {200, 60}} {
		w := open(t, size[0], size[1])
		w.browse()
		lines := strings.Split(strings.TrimSuffix(w.screen(), "\n"), "\n")
		if len(lines) != size[1] {
			t.Fatalf("%d lines, want %d", len(lines), size[1])
		}
		first, last := lines[0], lines[len(lines)-1]
		if !strings.HasPrefix(first, "image.tar: layer 3 of 3") || !strings.HasPrefix(last, "? help") {
			t.Errorf("%v: first line %q, last line %q", size, first, last)
		}
		for _, line := range lines[1 : len(lines)-2] {
			if strings.Count(line, "│") != 1 {
				t.Errorf("%v: no two panes: %q", size, line)
			}
		}
		w.press("Z")
		w.sees(`\x1b[2Jna`, "big", "世界🐳")
		w.press("G")
		w.sees("/root/.ssh/key")
		w.press("q")
		w.sees("shell>")
	}
}

// TestEveryKey presses each key that the help lists.
func TestEveryKey(t *testing.T) {
	w := open(t, 80, 24)
	w.browse()
	for _, step := range []struct {
		keys  string
		shows []string
	}{
		{"j", []string{"/data  "}},
		{"Down", []string{"/etc  "}},
		{"k", []string{"/data  "}},
		{"Up", []string{"/  drwx"}},
		{"j l", []string{"▾ data", "big"}},
		{"h", []string{"▸ data"}},
		{"Right", []string{"▾ data"}},
		{"Left", []string{"▸ data"}},
		{"Space", []string{"▾ data"}},
		{"Enter", []string{"▸ data"}},
		{"Z", []string{"motd", "key"}},
		{"G", []string{"/root/.ssh/key  ", "whiteout"}},
		{"g", []string{"/  drwx"}},
		{"End", []string{"/root/.ssh/key  "}},
		{"Home", []string{"/  drwx"}},
		{"NPage", []string{"/root/.ssh/key  "}},
		{"PPage", []string{"/  drwx"}},
		{"f", []string{"/root/.ssh/key  "}},
		{"C-b", []string{"/  drwx"}},
		{"C-f", []string{"/root/.ssh/key  "}},
		{"u", []string{"/  drwx"}},
		{"d", []string{"/root/.ssh/key  "}},
		{"C-u", []string{"/  drwx"}},
		{"C-d", []string{"/root/.ssh/key  "}},
		{"N", []string{"/root/.ssh  "}},
		{"n", []string{"/root/.ssh/key  "}},
		{"b", []string{"/data/big  "}},
		{"b", []string{`/data/世界🐳  `}},
		{"B", []string{"/data/big  "}},
		{"o", []string{"BY SIZE"}},
		{"o", []string{"CHANGES OF 3"}},
		{"[", []string{"layer 2 of 3", "CHANGES OF 2"}},
		{"]", []string{"layer 3 of 3", "CHANGES OF 3"}},
		{"a", []string{"CHANGES OF 2–3"}},
		{"C-a", []string{"CHANGES OF 3"}},
		{"s", []string{"LAYER 3 ALONE"}},
		{"s", []string{"LAYERS 1–3"}},
		{"D", []string{"ONLY D", "key"}},
		{"D A", []string{"ONLY A"}},
		{"A C", []string{"ONLY C"}},
		{"Escape", []string{"CHANGES OF 3", "motd"}},
		{"/ k e", []string{"filter: ke", "key"}},
		{"BSpace y", []string{"filter: ky"}},
		{"C-u k e y", []string{"filter: key"}},
		{"Enter", []string{"? help", "/root/.ssh/key  "}},
		{"m", []string{"layer 2 of 3", "A   2     15B"}},
		{"Enter", []string{"path    /root/.ssh/key", "PRIVATE KEY 42"}},
		{"/ 4 2 Enter", []string{"PRIVATE KEY 42"}},
		{"q", []string{"LAYERS"}},
		{"i", []string{"mode    -rw-------  0600"}},
		{"Escape", []string{"LAYERS"}},
		{"w", []string{"Layers that changed /root/.ssh/key: 2"}},
		{"j Enter", []string{"layer 3 of 3", "/root/.ssh/key  "}},
		{"W", []string{"Waste: ", "/etc/motd"}},
		{"q", []string{"LAYERS"}},
		{"Escape", []string{"▾ data", "motd"}},
		{"z", []string{"▸ data"}},
		{"Tab", []string{"layer 3: RUN step 3"}},
		{"g", []string{"layer 1 of 3"}},
		{"BTab", []string{"/root"}},
		{"C-l", []string{"layer 1 of 3"}},
		{"?", []string{"Keys", "Ctrl-C"}},
		{"G", []string{"etc/ssl"}},
		{"q", []string{"LAYERS"}},
	} {
		w.press(step.keys)
		w.sees(step.shows...)
	}
	w.press("C-z")
	w.sees("Stopped")
	w.types("fg")
	w.sees("LAYERS 1–1")
}

// TestTerminalIsRestored: its settings, its screen and its cursor, however the browser ends.
func TestTerminalIsRestored(t *testing.T) {
	for name, end := range map[string]func(*terminal){
		"q":       func(w *terminal) { w.press("q") },
		"Ctrl-C":  func(w *terminal) { w.press("? C-c") },
		"SIGTERM": func(w *terminal) { testkit.Check(w, exec.Command("pkill", "-TERM", "-P", w.shell()).Run()) },
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, 80, 24)
			w.types("stty -g >before; echo the line above")
			w.sees("\nthe line above")
			w.browse()
			w.loses("the line above")
			end(w)
			w.sees("\nthe line above")
			w.types("echo exit code $?.; stty -g >after; echo done")
			w.sees("exit code 0.", "\ndone") // the shell may print its prompt after it has read the line
			before, after := testkit.ReadFile(t, w.dir+"/before"), testkit.ReadFile(t, w.dir+"/after")
			testkit.Equal(t, "stty -g", after, before)
			modes := w.tmux("display-message", "-p",
				"#{alternate_on} #{cursor_flag} #{keypad_flag} #{keypad_cursor_flag} #{mouse_any_flag}")
			testkit.Equal(t, "alternate screen, cursor, keypad, cursor keys, mouse", modes, "0 1 0 0 0\n")
		})
	}
}

// shell returns the process ID of the shell.
func (w *terminal) shell() string {
	return strings.TrimSpace(w.tmux("display-message", "-p", "#{pane_pid}"))
}

func TestResize(t *testing.T) {
	w := open(t, 80, 24)
	w.browse()
	w.tmux("resize-window", "-x", "200", "-y", "60")
	w.sees("drwxr-xr-x       0:0")
	w.tmux("resize-window", "-x", "40", "-y", "10")
	w.loses("drwxr-xr-x       0:0")
	w.sees("LAYERS 1–3", "? help")
	w.tmux("resize-window", "-x", "30", "-y", "8")
	w.sees("30×8: too small")
	w.tmux("resize-window", "-x", "80", "-y", "24")
	w.sees("diff ID", "Tab pane")
}

// TestNoColor: the mark of a removed file is red, and with NO_COLOR nothing has a colour.
func TestNoColor(t *testing.T) {
	red := regexp.MustCompile(`\x1b\[31m(\x1b\[49m)?D `)
	any := regexp.MustCompile(`\x1b\[([0-9;]*;)?([349][0-8]|10[0-7])[;m]`)
	for _, test := range []struct {
		env            []string
		red, anyColour bool
	}{
		{nil, true, true},
		{[]string{"NO_COLOR=1"}, false, false},
	} {
		w := open(t, 80, 24, test.env...)
		w.browse()
		w.press("Z")
		w.sees("D   2     15B         key")
		screen := w.tmux("capture-pane", "-p", "-e")
		if red.MatchString(screen) != test.red || any.MatchString(screen) != test.anyColour {
			t.Errorf("%v: %q", test.env, screen)
		}
	}
}

// TestWithoutTerminal: the error names the command that prints.
func TestWithoutTerminal(t *testing.T) {
	w := open(t, 80, 24)
	w.types("minictr layers browse image.tar | cat; echo end")
	w.sees("minictr: layers browse: standard input and output are not a terminal", "\nend",
		"hint: minictr layers tree image.tar")
	w.types("clear; minictr layers browse image.tar </dev/null; echo exit code $?.")
	w.sees("are not a terminal", "\nexit code 125.")
	w.types("clear; TERM=dumb minictr layers browse image.tar; echo exit code $?.")
	w.sees(`TERM="dumb"`, "\nexit code 125.")
}

func TestErrors(t *testing.T) {
	w := open(t, 120, 24)
	w.types("minictr layers browse image.tar@4")
	w.sees(`minictr: "image.tar@4": image has 3 layers`, "hint: minictr layers ls image.tar")
	w.types("minictr layers browse ./nothing.tar")
	w.sees("minictr: open image ./nothing.tar: ")
	w.types("minictr layers browse image.tar@2")
	w.sees("layer 2 of 2")
	w.press("q")
}
