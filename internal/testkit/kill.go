package testkit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Kill is a command that is killed at its system calls, each time at another one:
// kill -9 or a power cut may come at any of them.
type Kill struct {
	Command  func(t *testing.T) *exec.Cmd // prepares what the command needs, and returns it
	Calls    string                       // the calls on whose entry a process of it is killed
	Truth    func(t *testing.T, k Killed) // checks what can be seen then; nil: nothing
	Clean    func(t *testing.T, k Killed) // checks that all works again, and that nothing is left; nil: nothing
	Limit    time.Duration                // 0: at each call; else at some of them, for so long
	Enough   int                          // the fewest kills, if it is set
	Detached bool                         // a container outlives the command
	Hidden   bool                         // a kill does not change the exit code
}

// Killed is a command that was killed, or came to its end.
type Killed struct {
	At     string // the call, and which one of its kind; "" if none was chosen
	Code   int    // the exit code, 128+n for death by signal n
	Output string // standard output and error
}

// KillAt runs the command once for each point at which it may be killed: with a Limit
// in random order, so that different points are tried each time, else at each call for
// the first, second, … time, until that kills no process any more.
//
// strace(1) kills the process that enters a call for the Nth time: the command, or one
// of its children. It counts for each thread, so that some runs may survive. It waits
// for all of them, or is a grandchild if a container outlives the command (-D). Output
// goes to a file, which a container may keep open.
func KillAt(t *testing.T, k Kill) {
	t.Helper()
	NeedTool(t, "strace")
	points := k.points(t)
	start, kills, tried, survived := time.Now(), 0, 0, ""
	for _, p := range points {
		if k.Limit > 0 && time.Since(start) > k.Limit && kills >= k.Enough {
			break
		}
		if p.call == survived {
			continue
		}
		tried++
		killed := k.run(t, p, "-o", os.DevNull, "-e", "trace="+p.call,
			"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", p.call, p.n))
		if killed.Code != 0 {
			kills++
		} else if k.Limit == 0 && !k.Hidden {
			survived = p.call
		}
		k.check(t, killed)
	}
	t.Logf("%d kills in %d runs, of %d points", kills, tried, len(points))
	if k.Enough > 0 && (kills < tried/3 || kills < k.Enough) {
		t.Errorf("%d of %d runs were killed", kills, tried)
	}
}

// check ends the test unless all is well after a kill.
func (k Kill) check(t *testing.T, killed Killed) {
	t.Helper()
	for _, check := range []func(*testing.T, Killed){k.Truth, k.Clean} {
		if check != nil && !t.Failed() {
			check(t, killed)
		}
	}
	if t.Failed() {
		t.Fatalf("after a kill at %s: exit code %d: %s", killed.At, killed.Code, killed.Output)
	}
}

// point is the nth entry of a process into a call.
type point struct {
	call string
	n    int
}

var tracedCall = regexp.MustCompile(`(?m)^\d+ +(\w+)\(`)

// points traces the command once, and returns the points at which it can be killed.
// With a Limit, a call that is made often is represented by some of its entries.
func (k Kill) points(t *testing.T) (points []point) {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	calls := strings.Fields(k.Calls)
	whole := k.run(t, point{}, "-o", trace, "-e", "trace="+strings.Join(calls, ","))
	if whole.Code != 0 {
		t.Fatalf("traced: exit code %d: %s", whole.Code, whole.Output)
	}
	k.check(t, whole)
	data, err := os.ReadFile(trace)
	Check(t, err)
	count := map[string]int{}
	for _, m := range tracedCall.FindAllStringSubmatch(string(data), -1) {
		count[m[1]]++
	}
	for _, call := range calls {
		for n := 1; n <= count[call]; n++ {
			points = append(points, point{call, n})
			if k.Limit > 0 {
				n += n / 8 * 4
			}
		}
	}
	if k.Limit > 0 {
		rand.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	}
	return points
}

// run runs the command under strace. On one processor its calls come in the same
// order each time.
func (k Kill) run(t *testing.T, p point, options ...string) Killed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "output")
	out, err := os.Create(path)
	Check(t, err)
	defer out.Close()
	inner := k.Command(t)
	options = append([]string{"-f", "-qq"}, options...)
	if k.Detached {
		options = append(options, "-D")
	}
	cmd := exec.Command("strace", append(options, inner.Args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = inner.Stdin, out, out, inner.ExtraFiles
	cmd.Env = append(inner.Environ(), "GOMAXPROCS=1")
	Check(t, cmd.Start())
	timer := time.AfterFunc(Timeout, func() { cmd.Process.Kill() })
	err = cmd.Wait()
	killed := Killed{At: strings.TrimSpace(fmt.Sprintf("%s %d", p.call, p.n)), Code: cmd.ProcessState.ExitCode()}
	text, _ := os.ReadFile(path)
	killed.Output = string(text)
	if !timer.Stop() {
		t.Fatalf("%s: not ended after %v: %s", killed.At, Timeout, text)
	}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		killed.Code = 128 + int(status.Signal())
	} else if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return killed
}
