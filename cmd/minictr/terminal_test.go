package main

// `run -it` in a terminal: the tests hold the master side of a pseudo-terminal (pty(7)),
// and read and type there, as a terminal emulator does.

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// session is a minictr that runs in a terminal.
type session struct {
	*exec.Cmd
	t      *testing.T
	screen *os.File // the master side
	line   *os.File // the slave side, kept open to read its settings
	mu     sync.Mutex
	text   bytes.Buffer
}

// open starts `minictr run --rm -it FLAGS… demo sh -c SCRIPT` in a terminal, in a store
// of its own.
func open(t *testing.T, script string, flags ...string) *session {
	t.Helper()
	testkit.NeedRoot(t)
	loadDemo(t)
	args := append([]string{"run", "--rm", "-it"}, flags...)
	return inTerminal(t, append(args, "demo", "sh", "-c", script)...)
}

// inTerminal starts minictr in a terminal of 31 rows and 97 columns.
func inTerminal(t *testing.T, args ...string) *session {
	t.Helper()
	screen, line, err := pty.Open()
	testkit.Check(t, err)
	pty.Setsize(screen, &pty.Winsize{Rows: 31, Cols: 97})
	s := &session{t: t, screen: screen, line: line, Cmd: exec.Command("minictr", args...)}
	s.Stdin, s.Stdout, s.Stderr = line, line, line
	s.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	testkit.Check(t, s.Start())
	go s.read()
	t.Cleanup(func() {
		s.Process.Kill()
		s.Wait()
		screen.Close()
		line.Close()
	})
	return s
}

func (s *session) read() {
	buf := make([]byte, 4096)
	for {
		n, err := s.screen.Read(buf)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.text.Write(buf[:n])
		s.mu.Unlock()
	}
}

// shown is what the terminal has shown, with newlines as in files.
func (s *session) shown() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.text.String(), "\r", "")
}

// expect waits until the terminal shows text.
func (s *session) expect(text string) {
	s.t.Helper()
	if !testkit.Within(func() bool { return strings.Contains(s.shown(), text) }) {
		s.t.Fatalf("%q is not on the screen, but\n%s", text, s.shown())
	}
}

func (s *session) typeIn(text string) {
	s.t.Helper()
	_, err := s.screen.WriteString(text)
	testkit.Check(s.t, err)
}

// settings are those of the terminal, as stty -g prints them.
func (s *session) settings() string {
	s.t.Helper()
	settings, err := unix.IoctlGetTermios(int(s.line.Fd()), unix.TCGETS)
	testkit.Check(s.t, err)
	return fmt.Sprintf("%+v", *settings)
}

// ends waits for the exit, and compares the exit code.
func (s *session) ends(code int) {
	s.t.Helper()
	s.Wait()
	if got := s.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code %d, want %d; screen:\n%s", got, code, s.shown())
	}
}

// loadDemo makes a store with the image demo in it.
func loadDemo(t *testing.T) {
	t.Helper()
	t.Setenv("MINICTR_ROOT", t.TempDir())
	said(t, "load", "-i", testkit.DemoImage(t))
}

func TestTerminalIsItsOwn(t *testing.T) {
	s := open(t, "tty; ls -l /dev/console; stty size; echo the end")
	s.expect("the end")
	s.expect("/dev/pts/0")
	s.expect("31 97")
	s.ends(0)
}

func TestTerminalResize(t *testing.T) {
	s := open(t, `trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done`)
	s.expect("ready")
	pty.Setsize(s.screen, &pty.Winsize{Rows: 44, Cols: 111})
	s.expect("44 111")
	s.Process.Signal(unix.SIGKILL)
	s.ends(-1)
}

func TestTerminalKeys(t *testing.T) {
	s := open(t, `trap : INT; echo ready; cat; echo "cat ended: $?"; stty -echo; read line; echo "read: $line"; exit 3`)
	s.expect("ready")
	s.typeIn("hello\r")
	s.expect("hello\nhello\n")
	s.typeIn("\x03") // Ctrl-C
	s.expect("cat ended: 130")
	s.typeIn("a word\r")
	s.expect("read: a word")
	s.ends(3)
}

// TestTerminalIsRestored: however minictr ends, except by SIGKILL, the terminal settings are restored.
func TestTerminalIsRestored(t *testing.T) {
	for _, test := range []struct {
		name, script string
		end          func(*session)
		code         int
	}{
		{"exit", `echo ready; read x; exit 5`, func(s *session) { s.typeIn("\r") }, 5},
		{"killed program", `echo ready; kill -9 -1; read x; exit 6`, func(s *session) { s.typeIn("\r") }, 6},
		{"SIGTERM", `trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done`, func(s *session) {
			s.Process.Signal(unix.SIGTERM)
		}, 9},
		{"SIGHUP", `trap "exit 10" HUP; echo ready; while :; do sleep 0.05; done`, func(s *session) {
			s.Process.Signal(unix.SIGHUP)
		}, 10},
		{"no such command", `exec no-such-command`, func(*session) {}, 127},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, test.script)
			before := reference(t)
			if strings.Contains(test.script, "ready") {
				s.expect("ready")
				if !testkit.Within(func() bool { return s.settings() != before }) {
					t.Error("the terminal is not raw while the program runs")
				}
			}
			test.end(s)
			s.ends(test.code)
			testkit.Equal(t, "settings of the terminal", s.settings(), before)
		})
	}
}
