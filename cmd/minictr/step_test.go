package main

// run --step in a terminal: the prompt has it first, then the program.

import (
	"regexp"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// stepping starts `minictr run --rm -it --step demo sh -c …` in a terminal.
func stepping(t *testing.T) *session {
	t.Helper()
	testkit.NeedRoot(t)
	loadDemo(t)
	return inTerminal(t, "run", "--rm", "-it", "--step", "demo", "sh", "-c",
		`trap : INT; read line; echo "read: $line"; tty; stty size; cat; echo "cat ended: $?"; exit 3`)
}

var prompt = regexp.MustCompile(`before \d+ of \d+> `)

// prompts waits until there have been n prompts.
func (s *session) prompts(n int) {
	s.t.Helper()
	if !testkit.Within(func() bool { return len(prompt.FindAllString(s.shown(), -1)) >= n }) {
		s.t.Fatalf("not %d prompts, but\n%s", n, s.shown())
	}
}

// keys types a line at each of the next prompts, the first of which is number n.
func (s *session) keys(n int, lines ...string) {
	s.t.Helper()
	for i, line := range lines {
		s.prompts(n + i)
		s.typeIn(line + "\r")
	}
}

// The terminal is the reader's at a stop, the command's while one runs, and then the
// container's, with what was typed ahead.
func TestStepSharesTerminal(t *testing.T) {
	before := reference(t)
	s := stepping(t)
	s.keys(1, "", "k", "!echo run''ning; sleep 1000")
	s.expect("running\n")
	s.typeIn("\x03") // Ctrl-C
	s.expect("killed by SIGINT")
	s.keys(4, "!stty raw -echo; kill -9 $$", "!cat; echo co''pied")
	s.typeIn("a word\r")
	s.expect("a word\na word\n")
	s.typeIn("\x1a\x04") // Ctrl-Z has no effect, Ctrl-D ends the input
	s.expect("copied\n")
	testkit.Equal(t, "settings of the terminal at a stop", s.settings(), before)
	s.keys(6, "c\rtyped ahead")
	s.expect("read: typed ahead\n")
	s.expect("/dev/pts/0\n31 97\n")
	s.typeIn("hello\r")
	s.expect("hello\nhello\n")
	s.typeIn("\x03")
	s.expect("cat ended: 130")
	s.ends(3)
	testkit.Equal(t, "settings of the terminal", s.settings(), before)
}

// However it ends at a stop, there is no container, and the terminal is as before.
func TestStepEndsAtStop(t *testing.T) {
	before := reference(t)
	for name, test := range map[string]struct {
		end  func(*session)
		code int
	}{
		"q":       {func(s *session) { s.typeIn("q\r") }, 0},
		"Ctrl-D":  {func(s *session) { s.typeIn("\x04") }, 0},
		"Ctrl-C":  {func(s *session) { s.typeIn("\x03") }, 130},
		"SIGTERM": {func(s *session) { s.Process.Signal(unix.SIGTERM) }, 143},
		"SIGHUP":  {func(s *session) { s.Process.Signal(unix.SIGHUP) }, 129},
		"SIGTERM while a command runs": {func(s *session) {
			s.typeIn("!echo run''ning; sleep 1000\r")
			s.expect("running\n")
			s.Process.Signal(unix.SIGTERM)
		}, 143},
	} {
		for _, stop := range []int{1, 9} { // of the host, of the container's process
			t.Run(name, func(t *testing.T) {
				s := stepping(t)
				for n := 1; n < stop; n++ {
					s.keys(n, "")
				}
				s.prompts(stop)
				test.end(s)
				s.ends(test.code)
				testkit.Equal(t, "settings of the terminal", s.settings(), before)
				testkit.Equal(t, "containers", said(t, "ps", "-aq"), "")
			})
		}
	}
}
