package lessons

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/minictr/minictr/runtime/proc"
	"golang.org/x/sys/unix"
)

const (
	maxOutput = 1 << 20 // how much is kept of a program's output, in bytes
	maxShown  = 2000    // how much of it is in a message
	pipeSize  = 1 << 16 // what a pipe holds (pipe(7))
)

// Program is a student's program that has been started.
type Program struct {
	Pid  int // of the program
	Init int // of the container's first process, on the host; set by Start

	work   *Work
	cmd    *exec.Cmd
	in     io.WriteCloser // the program's standard input
	out    *os.File       // the read end of its output
	eof    bool           // no process has the other end
	text   []byte         // the output so far
	asked  int            // commands that Shell has sent
	exited chan struct{}
}

// StartInRoot is Start with the arguments before, a root of its own, and /bin/sh.
func (w *Work) StartInRoot(before ...string) (*Program, error) {
	root, err := w.Root()
	if err != nil {
		return nil, err
	}
	return w.Start(append(before, root, "/bin/sh")...)
}

// Start runs the student's program, which is to run a shell in a container: /bin/sh, with
// the program's standard input and output. It returns when the shell answers.
func (w *Work) Start(args ...string) (*Program, error) {
	p, err := w.launch(args)
	if err != nil {
		return nil, err
	}
	if _, err := p.Shell("true"); err != nil {
		if p.eof {
			p.End() // it removes its cgroup
		}
		return nil, err
	}
	if p.Init, err = w.findInit(p.Pid); err != nil {
		return nil, err
	}
	return p, nil
}

// Run runs the student's program to its end, with an empty standard input, and returns its
// output and exit status; 128+n for death by signal n.
func (w *Work) Run(args ...string) (output string, status int, err error) {
	p, err := w.launch(args)
	if err != nil {
		return "", 0, err
	}
	status, err = p.End()
	return p.Output(), status, err
}

// launch starts the program, as root, in a mount namespace without propagation to the host's.
func (w *Work) launch(args []string) (*Program, error) {
	path, err := w.Build()
	if err != nil {
		return nil, err
	}
	if err := w.adoptAll(); err != nil {
		return nil, err
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	p := &Program{work: w, cmd: exec.Command(path, args...), out: out, exited: make(chan struct{})}
	w.programs = append(w.programs, p)
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = w.Cwd(), stdout, stdout
	// package syscall makes the new mount namespace private
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL,
		Credential: &syscall.Credential{Groups: []uint32{1}}} // a group that lesson 8 takes away
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.Pid = p.cmd.Process.Pid
	go func() { p.cmd.Wait(); close(p.exited) }()
	return p, nil
}

// Output returns what the program and its container have written so far.
func (p *Program) Output() string { return string(p.text) }

// Shell lets the shell in the container execute a command, and returns what it writes,
// without the newline at the end.
func (p *Program) Shell(command string) (string, error) {
	p.asked++
	mark := fmt.Sprintf("\n--answer %d--\n", p.asked)
	from := len(p.text)
	fmt.Fprintf(p.in, "{ %s\n} 2>&1; printf '%s'\n", command, strings.ReplaceAll(mark, "\n", `\n`))
	answered := func() bool { return strings.Contains(string(p.text[from:]), mark) }
	if err := p.wait(func() bool { return answered() || p.eof }); err != nil || !answered() {
		return "", p.failed("the container's shell does not answer")
	}
	answer, _, _ := strings.Cut(string(p.text[from:]), mark)
	return strings.TrimSuffix(answer, "\n"), nil
}

var (
	answerMark = regexp.MustCompile(`\n--answer \d+--\n`)                                 // of Shell
	failedCall = regexp.MustCompile(`(?m)^(?:run: )?(\w+)\(.*\(step \d+ of \d+, made by`) // an error of package walk
)

// failed returns a Missing, with the program's output.
func (p *Program) failed(what string) error {
	text := cmp.Or(strings.TrimSpace(answerMark.ReplaceAllString(p.Output(), "")), "nothing")
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	args := strings.Join(p.cmd.Args[1:], " ")
	hint := "run it yourself, as the text of the lesson does"
	if call := failedCall.FindStringSubmatch(text); call != nil {
		hint = call[1] + "(2), ERRORS: when does it fail with this one? With EXPLAIN=1 you see the calls before it"
	}
	if strings.Contains(text, "the plan has no step") {
		hint = "the word HERE in main.go: a call is missing there"
	}
	return missing(hint, "%s; run %s printed: %s", what, args, text)
}

// End closes the standard input, waits for the program to exit, and returns its exit status;
// 128+n for death by signal n. The error is Missing if it does not exit.
func (p *Program) End() (status int, err error) {
	p.in.Close()
	if err := p.wait(p.hasExited); err != nil {
		return 0, p.failed(fmt.Sprintf("the program still runs after %v", p.work.limit))
	}
	for range 2 { // what it wrote before it exited, and no more: a container may still write
		p.read(0)
	}
	if s := p.cmd.ProcessState.Sys().(syscall.WaitStatus); s.Signaled() {
		return 128 + int(s.Signal()), nil
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

func (p *Program) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// wait reads the output until something is so, or returns an error after the time limit.
func (p *Program) wait(until func() bool) error {
	for begin := time.Now(); !until(); {
		if time.Since(begin) > p.work.limit {
			return errors.New("time limit")
		}
		p.read(20)
	}
	return nil
}

// read reads some of the output, waits for it a time in milliseconds, and reports whether
// there was any.
func (p *Program) read(milliseconds int) bool {
	if p.eof {
		time.Sleep(time.Duration(milliseconds) * time.Millisecond)
		return false
	}
	buf, out := make([]byte, pipeSize), int(p.out.Fd())
	poll := []unix.PollFd{{Fd: int32(out), Events: unix.POLLIN}}
	if n, err := unix.Poll(poll, milliseconds); n <= 0 || err != nil {
		return false
	}
	n, err := unix.Read(out, buf)
	if n <= 0 && !errors.Is(err, unix.EINTR) {
		p.eof = true
		return false
	}
	if len(p.text) < maxOutput {
		p.text = append(p.text, buf[:max(n, 0)]...)
	}
	return true
}

// View returns the container's first process as the kernel describes it.
func (p *Program) View() (*proc.View, error) { return proc.Look(p.Init) }

// Shares reports whether the container's first process is in the program's namespace of a
// type: "pid", "mount", as in the OCI specification.
func (p *Program) Shares(kind string) (bool, error) {
	var inodes []uint64
	for _, pid := range []int{p.Pid, p.Init} {
		list, err := proc.Namespaces(pid)
		if err != nil {
			return false, err
		}
		for _, ns := range list {
			if ns.Type == kind {
				inodes = append(inodes, ns.Inode)
			}
		}
	}
	if len(inodes) != 2 {
		return false, fmt.Errorf("namespace %s: this kernel has none", kind)
	}
	return inodes[0] == inodes[1], nil
}
