package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// These programs are a few lines long, and exit with another code on each branch.

const stdin, stdout = 0, 1

func exitWith(code uint64) Line { return Line{Number: unix.SYS_EXIT_GROUP, Args: []uint64{code}} }

var (
	works = Line{Number: unix.SYS_GETPPID}                          // its result is above 0
	none  = Line{Number: unix.SYS_UMASK}                            // 0, the second time
	fails = Line{Number: unix.SYS_CLOSE, Args: []uint64{1 << 30}}   // EBADF
	wrong = Line{Number: unix.SYS_FCHDIR, Args: []uint64{stdin, 0}} // ENOTDIR
)

// run runs a program, and returns its exit code and its output.
func run(t *testing.T, p *Program) (code int, output []byte) {
	t.Helper()
	cmd := command(t, p)
	timer := time.AfterFunc(testkit.Timeout, func() { cmd.Process.Kill() })
	defer timer.Stop()
	output, err := cmd.Output()
	if exit := new(exec.ExitError); !errors.As(err, &exit) {
		testkit.Check(t, err)
	}
	return cmd.ProcessState.ExitCode(), output
}

func command(t *testing.T, p *Program) *exec.Cmd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	testkit.Check(t, os.WriteFile(path, p.File(), 0o700))
	return exec.Command(path)
}

// program returns a program of these lines.
func program(t *testing.T, lines ...Line) *Program {
	t.Helper()
	p := New(len(lines), stdout)
	set(t, p, lines...)
	return p
}

func set(t *testing.T, p *Program, lines ...Line) {
	t.Helper()
	for i, l := range lines {
		testkit.Check(t, p.SetLine(i, l))
	}
}

func accept(l Line, errnos ...unix.Errno) Line {
	l.Accept = errnos
	return l
}

// TestNextLine: the result of a line decides which one is next.
func TestNextLine(t *testing.T) {
	follow := func(l Line, then, zero, other int) Line {
		l.Then, l.Zero, l.Else = then, zero, other
		return l
	}
	if code, _ := run(t, program(t, works)); code != ExitFailed {
		t.Errorf("the end of the lines: exit code %d", code)
	}
	four := []unix.Errno{unix.EPERM, unix.ENOENT, unix.EINTR, unix.EBADF}
	for name, test := range map[string]struct {
		line Line
		want int
	}{
		"success":             {follow(works, 1, 2, 3), 11},
		"0":                   {follow(none, 1, 2, 3), 12},
		"error":               {follow(accept(fails, unix.EBADF), 1, 2, 3), 13},
		"any error":           {follow(accept(fails, AnyError), 1, 2, 3), 13},
		"the fourth error":    {follow(accept(fails, four...), 1, 2, 3), 13},
		"another error":       {follow(accept(wrong, four...), 1, 2, 3), ExitFailed},
		"an error":            {follow(fails, 1, 2, 3), ExitFailed},
		"the next line":       {follow(works, 0, 2, 3), 10},
		"any error, no error": {follow(accept(works, AnyError), 1, 2, 3), 11},
	} {
		t.Run(name, func(t *testing.T) {
			// umask(0) first, so that the second is 0
			p := program(t, Line{Number: unix.SYS_UMASK}, test.line, exitWith(10), exitWith(11), exitWith(12),
				exitWith(13))
			if code, _ := run(t, p); code != test.want {
				t.Errorf("exit code %d, want %d", code, test.want)
			}
		})
	}
}

// TestLoop: a loop counts down from three, and makes a call each time.
func TestLoop(t *testing.T) {
	p := New(4, stdout)
	count, one, text := p.PutWords(3), p.PutWords(1), p.PutString("again ")
	set(t, p,
		Line{Number: unix.SYS_WRITE, Args: []uint64{stdout, text, 6}},
		Line{Number: Difference, Args: []uint64{count, one, 0xffff}, To: count, Zero: 1},
		Line{Number: unix.SYS_GETPPID, Then: -3, Zero: -3}, // 0 if the parent is in another PID namespace
		exitWith(7))
	if code, output := run(t, p); code != 7 || string(output) != "again again again " {
		t.Errorf("exit code %d, output %q", code, output)
	}
}

func TestDifference(t *testing.T) {
	for name, test := range map[string]struct {
		a, b, mask uint64
		want       uint64
	}{
		"plain":       {50, 8, ^uint64(0), 42},
		"masked":      {0xabcd, 0, 0xff00, 0xab00},
		"below 0":     {1, 2, 1 << 63, 1 << 63},
		"not below 0": {2, 1, 1 << 63, 0},
		"equal":       {7, 7, ^uint64(0), 0},
		"like errors": {0, 9, 0xffff, 0xfff7}, // -9 is EBADF, but for the mask
	} {
		t.Run(name, func(t *testing.T) {
			p := New(3, stdout)
			a, b, result := p.PutWords(test.a), p.PutWords(test.b), p.PutWords(0)
			set(t, p,
				Line{Number: Difference, Args: []uint64{a, b, test.mask}, To: result},
				Line{Number: unix.SYS_WRITE, Args: []uint64{stdout, result, word}},
				exitWith(0))
			_, output := run(t, p)
			if len(output) != word || binary.NativeEndian.Uint64(output) != test.want {
				t.Errorf("%x, want %x", output, test.want)
			}
		})
	}
}

// TestResultIsLaterArgument: a line may put its result into an argument of another.
func TestResultIsLaterArgument(t *testing.T) {
	p := New(4, stdout)
	null, text := p.PutString("/dev/null"), p.PutString("x")
	at := unix.AT_FDCWD
	set(t, p,
		Line{Number: unix.SYS_OPENAT, Args: []uint64{uint64(at), null, unix.O_WRONLY}, To: p.Argument(1, 0)},
		Line{Number: unix.SYS_WRITE, Args: []uint64{999, text, 1}, To: p.Argument(2, 0)},
		exitWith(0), exitWith(9))
	if code, output := run(t, p); code != 1 { // the number of bytes written
		t.Errorf("exit code %d; results %v", code, Results(output))
	}
}

func TestResults(t *testing.T) {
	p := program(t, works, accept(wrong, unix.ENOTDIR), Line{Number: unix.SYS_GETPPID, Then: 1}, exitWith(0), fails,
		exitWith(0))
	code, output := run(t, p)
	want := []Result{{true, 0}, {true, unix.ENOTDIR}, {true, 0}, {false, 0}, {true, unix.EBADF}, {false, 0}}
	if got := Results(output); code != ExitFailed || !slices.Equal(got, want) {
		t.Fatalf("exit code %d, results %v, want %v", code, got, want)
	}
	for n := range output { // a report that was cut off
		Results(output[:n])
	}
}

func TestTooLargeLineRefused(t *testing.T) {
	p := New(1, stdout)
	for name, err := range map[string]error{
		"a line too many":            p.SetLine(1, works),
		"an argument too many":       p.SetLine(0, Line{Args: make([]uint64, maxArgs+1)}),
		"an accepted error too many": p.SetLine(0, accept(works, 1, 2, 3, 4, 5)),
	} {
		if err == nil {
			t.Errorf("%s: nil", name)
		}
	}
}

// TestMemory: the process has less than 1 MiB of address space.
func TestMemory(t *testing.T) {
	p := New(2, stdout)
	ever := p.PutWords(1000, 0)
	set(t, p, Line{Number: unix.SYS_CLOSE, Args: []uint64{stdout}},
		Line{Number: unix.SYS_NANOSLEEP, Args: []uint64{ever, 0}})
	cmd := command(t, p)
	out, err := cmd.StdoutPipe()
	testkit.Check(t, err, cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()
	out.Read(make([]byte, 1)) // until it has begun
	pages := 0
	fmt.Sscan(testkit.ReadFile(t, fmt.Sprintf("/proc/%d/statm", cmd.Process.Pid)), &pages)
	if size := pages * os.Getpagesize(); size == 0 || size > 1<<20 {
		t.Errorf("%d bytes of address space", size)
	}
}

// TestCodeFits: New copies the whole loop.
func TestCodeFits(t *testing.T) {
	begin := uintptr(loop())
	size := uintptr(0)
	for f := runtime.FuncForPC(begin); f != nil && f.Entry() == begin; f = runtime.FuncForPC(begin + size) {
		size++
	}
	if size < 64 || size > codeSize {
		t.Errorf("the loop has %d bytes, and %d are copied", size, codeSize)
	}
	t.Logf("%d bytes", size)
}
