package walk

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// The plans of these tests are a few steps long.

func num(n int) plan.Num { return plan.Num{Value: uint64(n)} }

func made(side plan.Side, result, name string, number uintptr, args ...plan.Arg) plan.Step {
	return plan.Step{Side: side, Name: name, Number: number, Args: args, Result: result, From: "test", Why: "to see"}
}

// clone is a clone3 with flags; the child is killed with its parent.
func clone(flags uint64) plan.Step {
	args := make([]byte, 88) // struct clone_args
	for i := range 8 {
		args[i] = byte(flags >> (8 * i))
	}
	args[32] = byte(unix.SIGCHLD)
	s := made(plan.Host, string(plan.Pid), "clone3", unix.SYS_CLONE3, &plan.Mem{Bytes: args, Text: "{…}"},
		num(len(args)))
	s.Child = plan.Container
	return s
}

func inChild(result, name string, number uintptr, args ...plan.Arg) plan.Step {
	return made(plan.Container, result, name, number, args...)
}

func execve(path string, args ...string) plan.Step {
	return inChild("", "execve", unix.SYS_EXECVE, plan.Str(path), plan.Strs(append([]string{path}, args...)),
		plan.Strs(nil))
}

func openat(result, path string, flags int) plan.Step {
	cwd := unix.AT_FDCWD
	return inChild(result, "openat", unix.SYS_OPENAT, num(cwd), plan.Str(path), num(flags|unix.O_CLOEXEC), num(0o600))
}

func writeTo(fd plan.Ref, text string) plan.Step {
	return inChild("", "write", unix.SYS_WRITE, fd, &plan.Mem{Bytes: []byte(text), Text: text}, num(len(text)))
}

// start starts a walk of steps, and returns the traced result of each, too.
func start(t *testing.T, steps ...plan.Step) (w *Walk, results map[int]Result, err error) {
	t.Helper()
	testkit.NeedRoot(t)
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	results = map[int]Result{}
	fds := descriptors(t)
	w, err = Start(&plan.Plan{Steps: steps, StartError: plan.ReportWrite},
		Caller{FDs: map[plan.Ref]int{}, Trace: func(i int, r Result) { results[i] = r }})
	t.Cleanup(func() {
		if now := descriptors(t); now != fds {
			t.Errorf("%d descriptors were open, and now %d", fds, now)
		}
	})
	return w, results, err
}

// run walks steps until the process of the container exits.
func run(t *testing.T, steps ...plan.Step) map[int]Result {
	t.Helper()
	w, results, err := start(t, steps...)
	testkit.Check(t, err)
	end(t, w)
	return results
}

// fails fails the test unless a step fails, with an errno, and no child is left.
func fails(t *testing.T, index int, errno unix.Errno, steps ...plan.Step) (*Error, map[int]Result) {
	t.Helper()
	w, results, err := start(t, steps...)
	var failed *Error
	if w != nil || !errors.As(err, &failed) {
		t.Fatalf("error %v, want one of step %d", err, index)
	}
	if failed.Index != index || failed.Errno != errno {
		t.Errorf("step %d: %v, want step %d: %v", failed.Index, failed.Errno, index, errno)
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		t.Errorf("a child is left: wait4: %v", err)
	}
	return failed, results
}

// end waits for the process of the container.
func end(t *testing.T, w *Walk) unix.WaitStatus {
	t.Helper()
	pid, _ := w.Result(plan.Pid)
	var status unix.WaitStatus
	_, err := unix.Wait4(pid, &status, 0, nil)
	testkit.Check(t, err)
	w.Close()
	return status
}

// descriptors counts the open descriptors. From the first pipe on two are Go's own.
func descriptors(t *testing.T) int {
	t.Helper()
	r, w, err := os.Pipe()
	testkit.Check(t, err)
	r.Close()
	w.Close()
	list, err := os.ReadDir("/proc/self/fd")
	testkit.Check(t, err)
	return len(list)
}

func find(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	testkit.Check(t, err)
	return path
}

func TestProgramRuns(t *testing.T) {
	for name, want := range map[string]int{"true": 0, "false": 1} {
		w, results, err := start(t, clone(unix.CLONE_NEWPID|unix.CLONE_CLEAR_SIGHAND), execve(find(t, name)))
		testkit.Check(t, err)
		pid, _ := w.Result(plan.Pid)
		if r := results[0]; !r.Made || int(r.Value) != pid || r.Errno != 0 || r.Took <= 0 {
			t.Errorf("the result of clone3: %+v", r)
		}
		if status := end(t, w); !status.Exited() || status.ExitStatus() != want {
			t.Errorf("%s: status %#x", name, status)
		}
	}
}

// TestCloneTookEndsWithChild: with CLONE_VFORK the host is suspended while the child makes its
// steps, and that is no time of clone3.
func TestCloneTookEndsWithChild(t *testing.T) {
	sleep := &plan.Mem{Bytes: binary.NativeEndian.AppendUint64(make([]byte, 8), 100_000_000)} // ns
	results := run(t, clone(unix.CLONE_NEWPID|unix.CLONE_VM|unix.CLONE_VFORK),
		inChild("", "getpid", unix.SYS_GETPID), inChild("", "nanosleep", unix.SYS_NANOSLEEP, sleep, num(0)),
		execve(find(t, "true")))
	if results[0].Took <= 0 || results[0].Took >= results[2].Took {
		t.Errorf("clone3 took %v, nanosleep in the child %v", results[0].Took, results[2].Took)
	}
}

// TestResultIsLaterArgument: a step may use the result of an earlier one.
func TestResultIsLaterArgument(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	run(t, clone(unix.CLONE_NEWPID), openat("file", file, unix.O_CREAT|unix.O_WRONLY),
		writeTo("file", "from the child"), execve(find(t, "true")))
	if text := testkit.ReadFile(t, file); text != "from the child" {
		t.Errorf("%q", text)
	}
}

func TestFailedStep(t *testing.T) {
	failed, results := fails(t, 2, unix.ENOENT, clone(unix.CLONE_NEWPID), inChild("", "umask", unix.SYS_UMASK, num(0)),
		openat("file", "/nowhere/at/all", unix.O_RDONLY), execve(find(t, "true")))
	if !errors.Is(failed, unix.ENOENT) || failed.Exec() {
		t.Errorf("%+v", failed)
	}
	for _, word := range []string{`openat(-100, "/nowhere/at/all", `, "no such file or directory", "step 3 of 4",
		"container", "test", "to see"} {
		testkit.WantError(t, "openat", failed, word)
	}
	if !results[1].Made || results[2].Errno != unix.ENOENT || results[3].Made {
		t.Errorf("results: %+v", results)
	}
}

// TestFailedHostStep: the child, if there is one, is killed.
func TestFailedHostStep(t *testing.T) {
	chdir := made(plan.Host, "", "chdir", unix.SYS_CHDIR, plan.Str("/nowhere"))
	pause := inChild("", "pause", unix.SYS_PPOLL, num(0), num(0), num(0), num(0), num(0))
	fails(t, 0, unix.ENOENT, chdir, clone(0), execve("/bin/true"))
	fails(t, 0, unix.EINVAL, clone(1<<62), execve("/bin/true"))
	fails(t, 2, unix.ENOENT, clone(0), pause, chdir, execve("/bin/true"))
}

// TestAcceptedError: a step that fails with an accepted error has no result, and steps
// that need the result are skipped.
func TestAcceptedError(t *testing.T) {
	accepted := openat("file", "/nowhere/at/all", unix.O_RDONLY)
	accepted.Accept = []unix.Errno{unix.EACCES, unix.ENOENT}
	onlyIf := openat("", "/nowhere/if", unix.O_RDONLY)
	onlyIf.If = "file"
	instead := openat("file", "/dev/null", unix.O_WRONLY)
	instead.Unless = "file"
	never := openat("", "/nowhere/unless", unix.O_RDONLY)
	never.Unless = "file"
	results := run(t, clone(unix.CLONE_NEWPID), accepted, writeTo("file", "x"), onlyIf, instead, writeTo("file", "x"),
		never, execve(find(t, "true")))
	var done []int
	for i := range 7 {
		if results[i].Made {
			done = append(done, i)
		}
	}
	if !slices.Equal(done, []int{0, 1, 4, 5}) || results[1].Errno != unix.ENOENT {
		t.Errorf("made %v, results %+v", done, results)
	}
}

// TestUnexpectedValueFails: a call that succeeds with another value than expected.
func TestUnexpectedValueFails(t *testing.T) {
	for _, test := range []struct {
		path string
		not  bool
		good bool
	}{{"/proc", false, true}, {"/proc", true, false}, {"/", false, false}, {"/", true, true}} {
		statfs := inChild("", "fstatfs", unix.SYS_FSTATFS, plan.Ref("dir"),
			&plan.Mem{Bytes: make([]byte, 120), Text: "{…}"})
		statfs.Expect = &plan.Expect{Arg: 1, Mask: ^uint64(0), Value: unix.PROC_SUPER_MAGIC, Not: test.not}
		steps := []plan.Step{clone(unix.CLONE_NEWPID), openat("dir", test.path, unix.O_PATH), statfs,
			execve(find(t, "true"))}
		if test.good {
			run(t, steps...)
		} else {
			fails(t, 2, unix.EPERM, steps...)
		}
	}
}

// viaTrampoline returns a plan whose last steps the trampoline makes.
func viaTrampoline(last ...plan.Step) []plan.Step {
	const file = plan.Ref("file")
	steps := []plan.Step{
		made(plan.Host, string(file), "memfd_create", unix.SYS_MEMFD_CREATE, plan.Str("test"), num(unix.MFD_CLOEXEC)),
		made(plan.Host, "", "write", unix.SYS_WRITE, file, plan.ProgramFile, plan.ProgramSize),
		clone(unix.CLONE_NEWPID),
		inChild("", "fcntl", unix.SYS_FCNTL, plan.ReportWrite, num(unix.F_SETFD), num(0)),
		inChild("", "execveat", unix.SYS_EXECVEAT, file, plan.Str(""), plan.Strs{"test"}, plan.Strs{},
			num(unix.AT_EMPTY_PATH)),
		made(plan.Trampoline, "", "fcntl", unix.SYS_FCNTL, plan.ReportWrite, num(unix.F_SETFD), num(unix.FD_CLOEXEC)),
	}
	for _, s := range last {
		s.Side = plan.Trampoline
		steps = append(steps, s)
	}
	return steps
}

// TestResultInMemory: a result may lie in memory, where an error is as one that the
// call returns.
func TestResultInMemory(t *testing.T) {
	pipe := inChild("written", "pipe2", unix.SYS_PIPE2, &plan.Mem{Bytes: make([]byte, 8), Text: "{…}"},
		num(unix.O_CLOEXEC))
	pipe.Returns = &plan.Place{Arg: 0, Offset: 4}
	results := run(t, clone(unix.CLONE_NEWPID), pipe, writeTo("written", "text"), execve(find(t, "true")))
	if !results[2].Made || results[2].Value != 4 {
		t.Errorf("%d bytes are written to the pipe, want 4", results[2].Value)
	}
	for word, want := range map[string]unix.Errno{"\xfe\xff\xff\xff": unix.ENOENT, "\x01\xf0\xff\xff": unix.Errno(4095),
		"\x00\xf0\xff\xff": 0} {
		path := filepath.Join(t.TempDir(), "word")
		testkit.Check(t, os.WriteFile(path, []byte(word), 0o600))
		read := inChild("", "read", unix.SYS_READ, plan.Ref("file"), &plan.Mem{Bytes: make([]byte, 8), Text: "buf"},
			num(4))
		read.Returns = &plan.Place{Arg: 1}
		steps := []plan.Step{clone(unix.CLONE_NEWPID), openat("file", path, unix.O_RDONLY), read,
			execve(find(t, "true"))}
		if want == 0 {
			run(t, steps...)
		} else {
			fails(t, 2, want, steps...)
		}
	}
}

// TestTrampoline: another program makes the last calls, with arguments of every kind.
func TestTrampoline(t *testing.T) {
	r, out, err := os.Pipe()
	testkit.Check(t, err)
	defer r.Close()
	testkit.NeedRoot(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	program := execve(find(t, "sh"), "-c", `echo "$1 $A"`, "-", "argument")
	program.Args[2] = plan.Strs{"A=environment"}
	steps := viaTrampoline(
		made(plan.Trampoline, "", "dup3", unix.SYS_DUP3, plan.Ref("out"), num(1), num(0)),
		made(plan.Trampoline, "", "write", unix.SYS_WRITE, num(1), &plan.Mem{Bytes: []byte("memory\n")}, num(7)),
		program)
	steps = slices.Insert(steps, 3, inChild("", "fcntl", unix.SYS_FCNTL, plan.Ref("out"), num(unix.F_SETFD), num(0)))
	w, err := Start(&plan.Plan{Steps: steps, StartError: plan.ReportWrite},
		Caller{FDs: map[plan.Ref]int{"out": int(out.Fd())}})
	out.Close()
	testkit.Check(t, err)
	text, err := io.ReadAll(r)
	if want := "memory\nargument environment\n"; err != nil || string(text) != want {
		t.Errorf("printed %q, %v, want %q", text, err, want)
	}
	end(t, w)
}

// TestPathSearch: the directories of PATH are tried in order. If none has the program,
// the error is that of the first, or of a file that may not be executed.
func TestPathSearch(t *testing.T) {
	forbidden := filepath.Join(t.TempDir(), "forbidden")
	testkit.Check(t, os.WriteFile(forbidden, []byte("text"), 0o600))
	try := func(path string) plan.Step {
		s := execve(path)
		s.Accept = []unix.Errno{unix.ENOENT, unix.EACCES}
		return s
	}
	run(t, viaTrampoline(try("/nowhere/true"), try(forbidden), try(find(t, "true")), try("/never"))...)
	const first = 6
	for _, test := range []struct {
		second string
		index  int
		errno  unix.Errno
	}{{"/nowhere/else", first, unix.ENOENT}, {forbidden, first + 1, unix.EACCES}} {
		failed, _ := fails(t, test.index, test.errno, viaTrampoline(try("/nowhere/x"), try(test.second))...)
		if !failed.Exec() {
			t.Errorf("%+v: %v", test, failed)
		}
	}
}

// TestKilledChildReported: the walk does not wait for a child that is killed.
func TestKilledChildReported(t *testing.T) {
	group := inChild("", "setpgid", unix.SYS_SETPGID, num(0), num(0))
	kill := inChild("", "kill", unix.SYS_KILL, num(0), num(int(unix.SIGKILL)))
	failed, _ := fails(t, 2, 0, clone(0), group, kill, execve("/bin/true"))
	testkit.WantError(t, "kill", failed, "killed")
}

// TestInvalidArgumentRefused: an argument that the kernel cannot take is an error before
// any call is made.
func TestInvalidArgumentRefused(t *testing.T) {
	seven := make([]plan.Arg, 7)
	for i := range seven {
		seven[i] = num(i)
	}
	for want, s := range map[string]plan.Step{
		"not the result of an earlier step": writeTo("nothing", "x"),
		"more than 6 arguments":             made(plan.Host, "", "many", 0, seven...),
		"unknown type":                      made(plan.Host, "", "odd", 0, odd{}),
	} {
		_, err := lower(&plan.Plan{Steps: []plan.Step{s}}, nil)
		testkit.WantError(t, s.Name, err, want)
	}
	accepting := made(plan.Trampoline, "", "accepting", 0)
	accepting.Accept = []unix.Errno{1, 2, 3, 4, 5}
	p := &plan.Plan{Steps: []plan.Step{accepting}, StartError: plan.ReportWrite}
	_, err := lower(p, map[plan.Ref]int{plan.ReportWrite: 1})
	testkit.WantError(t, "five accepted errors", err, "4 accepted errors")
}

// odd is an argument of no kind.
type odd struct{}

func (odd) String() string { return "odd" }
