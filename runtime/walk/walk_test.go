package walk

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// The plans here are made by hand and tiny: a process, and what is to be shown.

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

// start begins a walk of steps; what it was told of each comes back, too.
func start(t *testing.T, steps ...plan.Step) (w *Walk, told map[int]Result, err error) {
	t.Helper()
	testkit.NeedRoot(t)
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	told = map[int]Result{}
	fds := descriptors(t)
	w, err = Start(&plan.Plan{Steps: steps, StartError: plan.ReportWrite},
		Caller{FDs: map[plan.Ref]int{}, Trace: func(i int, r Result) {
			told[i] = r
		}})
	t.Cleanup(func() {
		if now := descriptors(t); now != fds {
			t.Errorf("%d descriptors were open, and now %d", fds, now)
		}
	})
	return w, told, err
}

// end waits for the container's process.
func end(t *testing.T, w *Walk) unix.WaitStatus {
	t.Helper()
	pid, _ := w.Result(plan.Pid)
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return status
}

// descriptors counts those that are open. Two are Go's own, from the first pipe on.
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
		w, told, err := start(t, clone(unix.CLONE_NEWPID|unix.CLONE_CLEAR_SIGHAND), execve(find(t, name)))
		testkit.Check(t, err)
		pid, _ := w.Result(plan.Pid)
		if r := told[0]; !r.Made || int(r.Value) != pid || r.Errno != 0 || r.Took <= 0 {
			t.Errorf("told of clone3: %+v", r)
		}
		if status := end(t, w); !status.Exited() || status.ExitStatus() != want {
			t.Errorf("%s: status %#x", name, status)
		}
	}
}

// TestResultsAreUsed: what one step returns is an argument of the next.
func TestResultsAreUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	w, _, err := start(t, clone(unix.CLONE_NEWPID),
		openat("file", file, unix.O_CREAT|unix.O_WRONLY),
		writeTo("file", "from the child"),
		execve(find(t, "true")))
	testkit.Check(t, err)
	end(t, w)
	if data, _ := os.ReadFile(file); string(data) != "from the child" {
		t.Errorf("%q", data)
	}
}

func TestFailingStep(t *testing.T) {
	w, told, err := start(t, clone(unix.CLONE_NEWPID),
		inChild("", "umask", unix.SYS_UMASK, num(0)),
		openat("file", "/nowhere/at/all", unix.O_RDONLY),
		execve(find(t, "true")))
	var failed *Error
	if w != nil || !errors.As(err, &failed) {
		t.Fatalf("error %v", err)
	}
	if failed.Index != 2 || failed.Errno != unix.ENOENT || !errors.Is(err, unix.ENOENT) || failed.Exec() {
		t.Errorf("%+v", failed)
	}
	for _, word := range []string{`openat(-100, "/nowhere/at/all", `, "no such file or directory", "step 3 of 4",
		"container", "test", "to see"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in: %v", word, err)
		}
	}
	if !told[1].Made || told[2].Errno != unix.ENOENT || told[3].Made {
		t.Errorf("told: %+v", told)
	}
	noChildren(t)
}

func TestHostStepFails(t *testing.T) {
	steps := map[string][]plan.Step{
		"before the clone": {made(plan.Host, "", "chdir", unix.SYS_CHDIR, plan.Str("/nowhere")), clone(0),
			execve("/bin/true")},
		"the clone": {clone(1 << 62), execve("/bin/true")},
		"after the clone": {clone(0), inChild("", "pause", unix.SYS_PPOLL, num(0), num(0), num(0), num(0), num(0)),
			made(plan.Host, "", "chdir", unix.SYS_CHDIR, plan.Str("/nowhere")), execve("/bin/true")},
	}
	for name, list := range steps {
		t.Run(name, func(t *testing.T) {
			w, _, err := start(t, list...)
			var failed *Error
			if w != nil || !errors.As(err, &failed) || failed.Step.Side != plan.Host {
				t.Fatalf("error %v", err)
			}
			noChildren(t)
		})
	}
}

// TestAcceptedError: an error that is as good as success has no result, and
// what would use that is left out.
func TestAcceptedError(t *testing.T) {
	tolerant := openat("file", "/nowhere/at/all", unix.O_RDONLY)
	tolerant.Accept = []unix.Errno{unix.EACCES, unix.ENOENT}
	onlyIf := openat("", "/nowhere/if", unix.O_RDONLY)
	onlyIf.If = "file"
	instead := openat("file", "/dev/null", unix.O_WRONLY)
	instead.Unless = "file"
	never := openat("", "/nowhere/unless", unix.O_RDONLY)
	never.Unless = "file"
	w, told, err := start(t, clone(unix.CLONE_NEWPID),
		tolerant, writeTo("file", "x"), onlyIf, instead, writeTo("file", "x"), never,
		execve(find(t, "true")))
	testkit.Check(t, err)
	end(t, w)
	done := ""
	for i := range 7 {
		if told[i].Made {
			done += string(rune('0' + i))
		}
	}
	if done != "0145" || told[1].Errno != unix.ENOENT {
		t.Errorf("made %s, told %+v", done, told)
	}
}

// TestExpect: a call that succeeds and is not what was expected is a failure.
func TestExpect(t *testing.T) {
	for _, test := range []struct {
		path string
		not  bool
		good bool
	}{
		{"/proc", false, true}, {"/proc", true, false},
		{"/", false, false}, {"/", true, true},
	} {
		statfs := inChild("", "fstatfs", unix.SYS_FSTATFS, plan.Ref("dir"),
			&plan.Mem{Bytes: make([]byte, 120), Text: "{…}"})
		statfs.Expect = &plan.Expect{Arg: 1, Mask: ^uint64(0), Value: unix.PROC_SUPER_MAGIC, Not: test.not}
		w, _, err := start(t, clone(unix.CLONE_NEWPID), openat("dir", test.path, unix.O_PATH), statfs,
			execve(find(t, "true")))
		if test.good {
			if err != nil {
				t.Errorf("%+v: %v", test, err)
				continue
			}
			end(t, w)
			continue
		}
		var failed *Error
		if !errors.As(err, &failed) || failed.Index != 2 || failed.Errno != unix.EPERM {
			t.Errorf("%+v: error %v", test, err)
		}
	}
	noChildren(t)
}

// leave puts the trampoline in front of steps that are its.
func leave(last ...plan.Step) []plan.Step {
	const file = plan.Ref("file")
	steps := []plan.Step{
		made(plan.Host, string(file), "memfd_create", unix.SYS_MEMFD_CREATE, plan.Str("test"), num(unix.MFD_CLOEXEC)),
		made(plan.Host, "", "write", unix.SYS_WRITE, file, plan.ProgramFile, plan.ProgramSize),
		clone(unix.CLONE_NEWPID),
	}
	steps = append(steps, inChild("", "fcntl", unix.SYS_FCNTL, plan.ReportWrite, num(unix.F_SETFD), num(0)),
		inChild("", "execveat", unix.SYS_EXECVEAT, file, plan.Str(""), plan.Strs{"test"}, plan.Strs{},
			num(unix.AT_EMPTY_PATH)),
		made(plan.Trampoline, "", "fcntl", unix.SYS_FCNTL, plan.ReportWrite, num(unix.F_SETFD), num(unix.FD_CLOEXEC)))
	for _, s := range last {
		s.Side = plan.Trampoline
		steps = append(steps, s)
	}
	return steps
}

// TestReturns: a result may lie in memory, and is an error there as it would be if
// the call returned it.
func TestReturns(t *testing.T) {
	pipe := inChild("written", "pipe2", unix.SYS_PIPE2, &plan.Mem{Bytes: make([]byte, 8), Text: "{…}"},
		num(unix.O_CLOEXEC))
	pipe.Returns = &plan.Place{Arg: 0, Offset: 4}
	w, told, err := start(t, clone(unix.CLONE_NEWPID), pipe, writeTo("written", "text"), execve(find(t, "true")))
	testkit.Check(t, err)
	end(t, w)
	if !told[2].Made || told[2].Value != 4 {
		t.Errorf("the pipe's second end took %d bytes, want 4", told[2].Value)
	}
	for word, want := range map[string]unix.Errno{"\xfe\xff\xff\xff": unix.ENOENT, "\x01\xf0\xff\xff": unix.Errno(4095),
		"\x00\xf0\xff\xff": 0} {
		path := filepath.Join(t.TempDir(), "word")
		testkit.Check(t, os.WriteFile(path, []byte(word), 0o600))
		read := inChild("", "read", unix.SYS_READ, plan.Ref("file"), &plan.Mem{Bytes: make([]byte, 8), Text: "buf"},
			num(4))
		read.Returns = &plan.Place{Arg: 1}
		w, _, err := start(t, clone(unix.CLONE_NEWPID), openat("file", path, unix.O_RDONLY), read,
			execve(find(t, "true")))
		var failed *Error
		switch {
		case want == 0 && err == nil:
			end(t, w)
		case !errors.As(err, &failed) || failed.Index != 2 || failed.Errno != want:
			t.Errorf("%x: %v, want %v", word, err, want)
		}
	}
	noChildren(t)
}

// TestTrampoline: the last calls are made by another program, with arguments of
// every kind, and that program is what /proc/self/exe has been.
func TestTrampoline(t *testing.T) {
	r, out, err := os.Pipe()
	testkit.Check(t, err)
	defer r.Close()
	testkit.NeedRoot(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	program := execve(find(t, "sh"), "-c", `echo "$1 $A"`, "-", "argument")
	program.Args[2] = plan.Strs{"A=environment"}
	steps := leave(
		made(plan.Trampoline, "", "dup3", unix.SYS_DUP3, plan.Ref("out"), num(1), num(0)),
		made(plan.Trampoline, "", "write", unix.SYS_WRITE, num(1), &plan.Mem{Bytes: []byte("memory\n")}, num(7)),
		program)
	keep := made(plan.Container, "", "fcntl", unix.SYS_FCNTL, plan.Ref("out"), num(unix.F_SETFD), num(0))
	steps = slices.Insert(steps, 3, keep)
	p := &plan.Plan{Steps: steps, StartError: plan.ReportWrite}
	w, err := Start(p, Caller{FDs: map[plan.Ref]int{"out": int(out.Fd())}})
	out.Close()
	testkit.Check(t, err)
	text, err := io.ReadAll(r)
	if want := "memory\nargument environment\n"; err != nil || string(text) != want {
		t.Errorf("printed %q, %v, want %q", text, err, want)
	}
	end(t, w)
}

// TestSearch: directories of PATH are tried one after another. If the program is in
// none the error is that of the first, or of one that was found and forbidden.
func TestSearch(t *testing.T) {
	dir := t.TempDir()
	forbidden := filepath.Join(dir, "forbidden")
	testkit.Check(t, os.WriteFile(forbidden, []byte("text"), 0o600))
	try := func(path string) plan.Step {
		s := execve(path)
		s.Accept = []unix.Errno{unix.ENOENT, unix.EACCES}
		return s
	}
	w, _, err := start(t, leave(try("/nowhere/true"), try(forbidden), try(find(t, "true")), try("/never"))...)
	testkit.Check(t, err)
	end(t, w)
	const first = 6
	for _, test := range []struct {
		second string
		index  int
		errno  unix.Errno
	}{{"/nowhere/else", first, unix.ENOENT}, {forbidden, first + 1, unix.EACCES}} {
		_, _, err := start(t, leave(try("/nowhere/x"), try(test.second))...)
		var failed *Error
		if !errors.As(err, &failed) || failed.Index != test.index || failed.Errno != test.errno || !failed.Exec() {
			t.Errorf("%+v: %v", test, err)
		}
	}
	noChildren(t)
}

// TestKilledChild: a child that dies in the middle of its walk is noticed.
func TestKilledChild(t *testing.T) {
	signal := inChild("", "kill", unix.SYS_KILL, num(0), num(int(unix.SIGKILL)))
	group := inChild("", "setpgid", unix.SYS_SETPGID, num(0), num(0))
	died := make(chan error, 1)
	go func() {
		_, _, err := start(t, clone(0), group, signal, execve("/bin/true"))
		died <- err
	}()
	select {
	case err := <-died:
		var failed *Error
		if !errors.As(err, &failed) || failed.Errno != 0 || !strings.Contains(err.Error(), "killed") {
			t.Errorf("error %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the walk waits for a child that is dead")
	}
	noChildren(t)
}

// noChildren fails if one is left, dead or alive.
func noChildren(t *testing.T) {
	t.Helper()
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		t.Errorf("a child is left: wait4: %v", err)
	}
}

// TestLowerRefuses: an argument that the kernel cannot take is an error before
// any call is made.
func TestLowerRefuses(t *testing.T) {
	seven := make([]plan.Arg, 7)
	for i := range seven {
		seven[i] = num(i)
	}
	for want, s := range map[string]plan.Step{
		"not the result of an earlier step": writeTo("nothing", "x"),
		"more than 6 arguments":             made(plan.Host, "", "many", 0, seven...),
		"unknown type":                      made(plan.Host, "", "odd", 0, odd{}),
	} {
		if _, err := lower(&plan.Plan{Steps: []plan.Step{s}}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want …%s…", err, want)
		}
	}
	picky := made(plan.Trampoline, "", "picky", 0)
	picky.Accept = []unix.Errno{1, 2, 3, 4, 5}
	p := &plan.Plan{Steps: []plan.Step{picky}, StartError: plan.ReportWrite}
	if _, err := lower(p, map[plan.Ref]int{plan.ReportWrite: 1}); err == nil ||
		!strings.Contains(err.Error(), "4 accepted errors") {
		t.Errorf("error %v of a step that the trampoline has no room for", err)
	}
}

// odd is an argument of no kind.
type odd struct{}

func (odd) String() string { return "odd" }
