package main

// Terminals of detached containers: attach, start -a and exec.

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// inBackground makes a container called box in a store of its own, by create or run -d
// with flags, which runs a script.
func inBackground(t *testing.T, how, script string) {
	t.Helper()
	testkit.NeedRoot(t)
	loadDemo(t)
	args := append(strings.Fields(how), "--name", "box", "demo", "sh", "-c", script)
	said(t, args...)
	t.Cleanup(func() { exec.Command("minictr", "rm", "-f", "box").Run() })
}

// said is the output of a command in that store, which must succeed.
func said(t *testing.T, args ...string) string {
	t.Helper()
	return mustMinictr(t, os.Getenv("MINICTR_ROOT"), args...)
}

// ready waits until the container has written "ready".
func ready(t *testing.T) {
	t.Helper()
	if !testkit.Within(func() bool { return strings.Contains(said(t, "logs", "box"), "ready") }) {
		t.Fatal("the container does not get ready")
	}
}

func TestAttachTerminal(t *testing.T) {
	inBackground(t, "run -d -it", `echo ready; read line; echo "read: $line"; stty size
		until [ "$(stty size)" = "44 111" ]; do sleep 0.02; done; echo larger; read line; exit 6`)
	ready(t)
	s := inTerminal(t, "attach", "box")
	s.typeIn("a word\r")
	s.expect("a word\nread: a word\n31 97\n") // with the echo of its terminal
	pty.Setsize(s.screen, &pty.Winsize{Rows: 44, Cols: 111})
	s.expect("larger")
	s.typeIn("\r")
	s.ends(6)
	if strings.Contains(s.shown(), "ready") {
		t.Errorf("what it said before is on the screen:\n%s", s.shown())
	}
}

// TestAttachTwice: two clients are attached to one container: both see all output.
func TestAttachTwice(t *testing.T) {
	inBackground(t, "run -d -it", `while read line; do echo "read: $line"; [ "$line" != end ] || exit 6; done`)
	one, two := inTerminal(t, "attach", "box"), inTerminal(t, "attach", "box")
	one.typeIn("from one\r")
	one.expect("read: from one")
	two.typeIn("from two\r")
	one.expect("read: from two")
	two.expect("read: from two")
	two.typeIn("end\r")
	one.ends(6)
	two.ends(6)
}

// TestAttachLeave: the detach keys are not passed on, unless others come in between.
func TestAttachLeave(t *testing.T) {
	for _, test := range []struct {
		name          string
		flags         []string
		keys, through string
	}{
		{"the usual keys", nil, "\x10\x11", "\x10x"},
		{"keys of one's own", []string{"--detach-keys", "ctrl-a,q"}, "\x01q", "\x10\x11\x01x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBackground(t, "run -d -it",
				`stty raw -echo; echo ready; `+
					`while c=$(dd bs=1 count=1 2>/dev/null | od -An -tx1); do echo "key$c"; done`)
			ready(t)
			before := reference(t)
			s := inTerminal(t, append(append([]string{"attach"}, test.flags...), "box")...)
			if !testkit.Within(func() bool { return s.settings() != before }) {
				t.Fatal("the terminal does not become raw")
			}
			s.typeIn(test.through)
			for _, c := range []byte(test.through) {
				s.expect(fmt.Sprintf("key %02x", c))
			}
			s.typeIn(test.keys)
			s.ends(0)
			s.expect("read escape sequence")
			testkit.Equal(t, "settings of the terminal", s.settings(), before)
			again := inTerminal(t, append(append([]string{"attach"}, test.flags...), "box")...)
			again.typeIn("y")
			again.expect("key 79")
		})
	}
}

// reference are the settings of an unchanged terminal.
func reference(t *testing.T) string {
	t.Helper()
	s := inTerminal(t, "version")
	defer s.ends(0)
	return s.settings()
}

// TestAttachEnded: the container does not notice how attach ends.
func TestAttachEnded(t *testing.T) {
	for _, test := range []struct {
		signal unix.Signal
		code   int
	}{{unix.SIGTERM, 143}, {unix.SIGHUP, 129}, {unix.SIGKILL, -1}} {
		t.Run(test.signal.String(), func(t *testing.T) {
			inBackground(t, "run -d -it",
				`trap "echo noticed" TERM HUP INT; before=$(stty -g); echo ready; `+
					`while read line; do [ "$(stty -g)" = "$before" ] && echo "as before: $line"; done`)
			ready(t)
			before := reference(t)
			s := inTerminal(t, "attach", "box")
			s.typeIn("one\r")
			s.expect("as before: one")
			s.Process.Signal(test.signal)
			s.ends(test.code)
			if after := s.settings(); test.signal != unix.SIGKILL && after != before {
				t.Errorf("terminal before:\n%s\nafter:\n%s", before, after)
			}
			again := inTerminal(t, "attach", "box")
			again.typeIn("two\r")
			again.expect("as before: two")
			if strings.Contains(said(t, "logs", "box"), "noticed") {
				t.Error("the container got a signal")
			}
		})
	}
}

// TestAttachLost: the container dies with its monitor, and attached clients exit.
func TestAttachLost(t *testing.T) {
	inBackground(t, "run -d -it", `echo ready; cat`)
	ready(t)
	before := reference(t)
	s := inTerminal(t, "attach", "box")
	s.typeIn("a word\r")
	s.expect("a word\na word\n")
	watchers, err := filepath.Glob(filepath.Join(os.Getenv("MINICTR_ROOT"), "containers", "*", "monitor"))
	if err != nil || len(watchers) != 1 {
		t.Fatalf("watchers: %v, %v", watchers, err)
	}
	data := testkit.ReadFile(t, watchers[0])
	var monitor struct{ Pid int }
	testkit.Check(t, json.Unmarshal([]byte(data), &monitor))
	testkit.Check(t, unix.Kill(monitor.Pid, unix.SIGKILL))
	s.ends(255)
	testkit.Equal(t, "settings of the terminal", s.settings(), before)
}

// TestAttachRedraws: attaching makes the program redraw, in a window of the same size too.
func TestAttachRedraws(t *testing.T) {
	inBackground(t, "run -d -it",
		`trap 'echo drawn' WINCH; echo ready; while :; do read line && echo "read: $line"; done`)
	ready(t)
	for _, line := range []string{"one", "two"} {
		s := inTerminal(t, "attach", "box")
		s.expect("drawn")
		for range 2 { // when the second is read, all is drawn
			s.typeIn(line + "\r")
			s.expect("read: " + line)
			line += " more"
		}
		s.typeIn("\x10\x11")
		s.ends(0)
	}
}

func TestStartAttachedTerminal(t *testing.T) {
	inBackground(t, "create -it",
		`echo the beginning; until [ "$(stty size)" = "31 97" ]; do sleep 0.01; done; `+
			`read line; echo "read: $line"; exit 4`)
	s := inTerminal(t, "start", "-ai", "box")
	s.expect("the beginning")
	s.typeIn("a word\r")
	s.expect("read: a word")
	s.ends(4)
}

// TestStartAttachedLines: without a terminal of its own a container reads lines of ours.
func TestStartAttachedLines(t *testing.T) {
	inBackground(t, "create -i", `tty; cat; exit 5`)
	s := inTerminal(t, "start", "-ai", "box")
	s.expect("not a tty")
	s.typeIn("a line\n")
	s.expect("a line\na line\n")
	s.typeIn("\x04") // Ctrl-D
	s.ends(5)
}

func TestExecTerminal(t *testing.T) {
	inBackground(t, "run -d", `sleep 1000`)
	before := reference(t)
	s := inTerminal(t, "exec", "-it", "box", "sh", "-c",
		`tty; stty size; echo $TERM; trap : INT; cat; echo "cat ended: $?"; exit 3`)
	s.expect("31 97\nxterm\n")
	s.expect("/dev/pts/")
	s.typeIn("hello\r")
	s.expect("hello\nhello\n")
	s.typeIn("\x03") // Ctrl-C
	s.expect("cat ended: 130")
	s.ends(3)
	testkit.Equal(t, "settings of the terminal", s.settings(), before)
}

// TestExecKilledClient: a process of exec dies with its client; one of exec -d does not.
func TestExecKilledClient(t *testing.T) {
	for _, flags := range []string{"", "-i", "-t"} {
		t.Run("exec "+flags, func(t *testing.T) {
			inBackground(t, "run -d", `sleep 1000`)
			said(t, "exec", "-d", "box", "sleep", "3000")
			args := append(append([]string{"exec"}, strings.Fields(flags)...), "box", "sh", "-c", "sleep 2000; true")
			client := exec.Command("minictr", args...)
			testkit.Check(t, client.Start())
			running := func(command string) bool {
				return strings.Contains(said(t, "exec", "box", "ps", "-o", "args"), "\n"+command+"\n")
			}
			if !testkit.Within(func() bool {
				return running("sh -c sleep 2000; true") || running("{sh} sh -c sleep 2000; true")
			}) {
				t.Fatalf("it does not run:\n%s", said(t, "exec", "box", "ps", "-o", "args"))
			}
			client.Process.Kill()
			client.Wait()
			if !testkit.Within(func() bool {
				return !strings.Contains(said(t, "exec", "box", "ps", "-o", "args"), "sh -c sleep 2000")
			}) {
				t.Error("it survives")
			}
			if !running("sleep 3000") || !running("sleep 1000") {
				t.Errorf("others have died:\n%s", said(t, "exec", "box", "ps", "-o", "args"))
			}
		})
	}
}

// TestLogsEscapeControlBytes: on a terminal, logs prints no control bytes of a
// container; elsewhere it prints the log unchanged.
func TestLogsEscapeControlBytes(t *testing.T) {
	const evil = "\x1b]0;owned\x07\x1b[2J\x9b31mtext\x1b[31mred\x1b[0m\n"
	inBackground(t, "run -d", `printf '\033]0;owned\007\033[2J\23331mtext\033[31mred\033[0m\n'; printf '\033[5n\n' >&2`)
	said(t, "wait", "box")
	out, err := exec.Command("minictr", "logs", "box").Output()
	if err != nil || string(out) != evil {
		t.Errorf("to a pipe: %q, %v; want %q", out, err, evil)
	}
	s := inTerminal(t, "logs", "box")
	s.ends(0)
	s.expect(`\x1b]0;owned\a\x1b[2J\x9b31mtext` + "\x1b[31mred\x1b[0m\n")
	s.expect(`\x1b[5n` + "\n")
	for _, steers := range []string{"\x07", "\x1b]", "\x1b[2J", "\x9b", "\x1b[5n"} {
		if strings.Contains(s.shown(), steers) {
			t.Errorf("%q is on the screen:\n%q", steers, s.shown())
		}
	}
}

// TestStartOvertaken: of two clients that start a container at once one starts it; the input of the other is
// not lost.
func TestStartOvertaken(t *testing.T) {
	inBackground(t, "create -i", `read line; echo "read: $line"; exit 6`)
	id := strings.TrimSpace(said(t, "inspect", "--format", "{{.Id}}", "box"))
	waiters, err := os.Create(filepath.Join(os.Getenv("MINICTR_ROOT"), "containers", id, "waiters"))
	testkit.Check(t, err)
	defer waiters.Close()
	// the lock on which the second client waits
	testkit.Check(t, lockfile.LockFile(t.Context(), waiters, lockfile.Exclusive))
	var out strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Timeout)
	defer cancel()
	late := exec.CommandContext(ctx, "minictr", "start", "-ai", "box")
	late.Stdin, late.Stdout, late.Stderr = strings.NewReader("a word\n"), &out, &out
	testkit.Check(t, late.Start())
	st, err := waiters.Stat()
	testkit.Check(t, err)
	waits := regexp.MustCompile(fmt.Sprintf(`-> FLOCK .*:%d 0 EOF`, st.Sys().(*syscall.Stat_t).Ino))
	if !testkit.Within(func() bool { locks, _ := os.ReadFile("/proc/locks"); return waits.Match(locks) }) {
		t.Error("start -ai does not wait for the lock of waiters")
	}
	said(t, "start", "box")
	waiters.Close()
	if err := late.Wait(); late.ProcessState.ExitCode() != 6 || out.String() != "read: a word\n" {
		t.Errorf("%v, %q", err, out.String())
	}
}
