package lessons

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/accounts"
)

// Work is a student's result, and the tools of its check. What they make is removed after
// the check.
type Work struct {
	Lesson  *Lesson
	Dir     string // where the exercise was laid out
	Student *Student

	minictr  []string // the command minictr
	scratch  string   // a directory of the check
	lock     *os.File // of it
	program  string   // the student's program, once it is built
	adopts   bool     // processes are adopted
	before   []int    // those that were below this one before
	programs []*Program
	notes    []string
	limit    time.Duration
}

// Note adds a note to a check that passes: what could not be checked on this computer.
func (w *Work) Note(format string, args ...any) {
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

// Cwd returns the working directory of the student's program: empty before its first run.
func (w *Work) Cwd() string { return filepath.Join(w.scratch, "cwd") }

// Build compiles the student's program, as the student, and returns its path. The error is
// Missing if it does not compile.
func (w *Work) Build() (string, error) {
	if w.program != "" {
		return w.program, nil
	}
	if _, err := os.Stat(filepath.Join(w.Dir, "main.go")); err != nil {
		return "", missing(fmt.Sprintf("minictr lesson start %d", w.Lesson.Number), "%s: no main.go in it", w.Dir)
	}
	goCommand, err := findGo(w.Student)
	if err != nil {
		return "", err
	}
	// a directory that the student may write
	bin := filepath.Join(w.scratch, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return "", err
	}
	if err := os.Chown(bin, int(w.Student.UID), int(w.Student.GID)); err != nil {
		return "", err
	}
	program := filepath.Join(bin, "run")
	cmd := exec.Command(goCommand, "build", "-buildvcs=false", "-o", program, ".")
	cmd.Dir, cmd.Env = w.Dir, append(w.Student.env(), "CGO_ENABLED=0", "GOWORK=off")
	cmd.SysProcAttr = w.Student.attributes()
	out, err := cmd.CombinedOutput()
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		return "", missing("go build", "go build fails:\n%s", bytes.TrimSpace(out))
	}
	if err != nil {
		return "", err
	}
	w.program = program
	return program, nil
}

// findGo returns the command go. sudo(8) leaves out of PATH where it usually is.
func findGo(s *Student) (string, error) {
	usual := []string{"go", "/usr/local/go/bin/go", filepath.Join(s.Home, "go/bin/go"), "/snap/bin/go"}
	for _, name := range usual {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", hint.New(errors.New("go: not found in PATH"), "install Go: https://go.dev/doc/install")
}

// Root makes a root filesystem and returns its path: busybox, and empty directories for what
// is mounted. Each call makes another.
func (w *Work) Root() (string, error) {
	list, err := rootFiles()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(w.scratch, "root-")
	if err != nil {
		return "", err
	}
	return dir, errors.Join(os.Chmod(dir, 0o755), write(dir, list))
}

// Temp makes an empty directory and returns its path.
func (w *Work) Temp() (string, error) { return os.MkdirTemp(w.scratch, "dir-") }

// readBelow returns a regular file below a directory, such as the root of a process or the
// directory of an exercise. No link in it leads out of the directory.
func readBelow(dir, name string) (string, error) {
	root, err := os.Open(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	text, err := fs.ReadFile(accounts.Files(root.Fd()), name)
	return string(text), err
}

// attributes makes a command run as the student.
func (s *Student) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 && s.UID != 0 {
		a.Credential = &syscall.Credential{Uid: s.UID, Gid: s.GID}
	}
	return a
}
