package hardening

// run --step: at each stop the half-made container may be given up.

import (
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

var prompt = regexp.MustCompile(`before \d+ of \d+> `)

// stopped is a `minictr run --step` that stands at a stop.
type stopped struct {
	*exec.Cmd
	keys  io.WriteCloser
	shown string
}

// stopAt runs to stop n.
func stopAt(t *testing.T, n int, flags string) *stopped {
	t.Helper()
	words := append([]string{"run", "--rm", "--name", "phoenix", "-i"}, strings.Fields(flags)...)
	s := &stopped{Cmd: command("minictr", append(words, "box", "sleep", "1000")...)}
	var err error
	s.keys, err = s.StdinPipe()
	testkit.Check(t, err)
	out, err := s.StderrPipe()
	testkit.Check(t, err)
	testkit.Check(t, s.Start())
	io.WriteString(s.keys, strings.Repeat("\n", n-1))
	for buf := make([]byte, 4096); len(prompt.FindAllString(s.shown, -1)) < n; {
		k, err := out.Read(buf)
		s.shown += string(buf[:k])
		if err != nil {
			t.Fatalf("%s: stop %d: %v\n%s", flags, n, err, s.shown)
		}
	}
	go io.Copy(io.Discard, out)
	return s
}

// countStops returns the number of stops of a plan.
func countStops(t *testing.T, flags string) int {
	t.Helper()
	cmd := command("minictr", append(append([]string{"run", "--rm"}, strings.Fields(flags)...), "box", "true")...)
	cmd.Stdin = strings.NewReader(strings.Repeat("\n", 2000))
	r := run(cmd)
	r.want(t, 0)
	return len(prompt.FindAllString(r.stderr, -1))
}

// TestEndAtEveryStop: however the command ends at a stop, nothing is left. After SIGKILL the
// next command removes it.
func TestEndAtEveryStop(t *testing.T) {
	guard(t)
	before := takePicture(t)
	plans := map[string]int{"--step": 1, "--step=call": 41}
	if new, err := testkit.Linux("6.15"); err == nil && new {
		plans["--step --userns 0:100000:65536"], plans["--step --without pid"] = 3, 5
	}
	for name, way := range map[string]struct {
		end  func(s *stopped)
		code int
	}{
		"q":       {func(s *stopped) { io.WriteString(s.keys, "q\n") }, 0},
		"the end": {func(s *stopped) { s.keys.Close() }, exitFailure},
		"SIGINT":  {func(s *stopped) { s.Process.Signal(unix.SIGINT) }, 128 + int(unix.SIGINT)},
		"SIGKILL": {func(s *stopped) { s.Process.Kill() }, -1},
	} {
		for flags, every := range plans {
			if testing.Short() {
				every *= 5
			}
			for n := 1; n <= countStops(t, flags); n += every {
				s := stopAt(t, n, flags)
				way.end(s)
				s.Wait()
				if code := s.ProcessState.ExitCode(); code != way.code {
					t.Errorf("%s at stop %d of %s: exit code %d, want %d", name, n, flags, code, way.code)
				}
				testkit.Eventually(t, "the container's process ends", func() bool { return len(contained()) == 0 })
				if way.code < 0 {
					works(t, before, fmt.Sprintf("%s at stop %d of %s", name, n, flags))
				}
				if compare(t, before); t.Failed() {
					t.Fatalf("%s at stop %d of %s", name, n, flags)
				}
			}
		}
	}
}

// TestKillBetweenStops kills the command at calls of either process, between its stops.
func TestKillBetweenStops(t *testing.T) {
	guard(t)
	before := takePicture(t)
	testkit.KillAt(t, testkit.Kill{
		Command: func(*testing.T) *exec.Cmd {
			cmd := command("minictr", "run", "--rm", "--name", "phoenix", "--step=call", "box", "echo", "alive")
			cmd.Stdin = strings.NewReader("k\n\nn\nk\nn\nn\nn\n!:\ns\n\nk\nc\n")
			return cmd
		},
		Calls: `
			pipe2 read write close fcntl clone3 setsid move_mount prctl close_range seccomp execveat execve wait4
			unlinkat`,
		Clean: func(t *testing.T, k testkit.Killed) { works(t, before, k.At) },
		Limit: 12 * time.Second, Enough: 5,
	})
}
