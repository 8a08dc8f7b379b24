package hardening

// Crashes of a detached container: kill -9 of the client, of the monitor and of the
// container, at each step. The next command shows the truth, the same command works
// again, and after rm -f nothing is left.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// ember is a detached container that is killed, and made again.
type killedContainer struct {
	outputDir
	t    *testing.T
	name string
}

func (e *killedContainer) minictr(args ...string) result { return e.do(command("minictr", args...)) }

// kills are the commands, with the calls at which they, or the monitor they start, are
// killed. The commands before bring the container into the state that the command needs.
func (e *killedContainer) kills() map[string]testkit.Kill {
	begin := []string{"run", "-d", "--name", e.name, "box", "sh", "-c", "echo begun; sleep 1000"}
	stop := []string{"stop", "-t", "0", e.name}
	kills := map[string]testkit.Kill{}
	for _, k := range []struct {
		calls  string
		before [][]string
		args   []string
	}{
		{`
			mkdirat linkat symlinkat renameat renameat2 unlinkat openat flock pipe2 clone3 fsopen move_mount
			pidfd_open dup3 memfd_create prctl seccomp execveat execve mmap`, nil, begin},
		{"openat flock renameat unlinkat clone3 dup3 execveat read", [][]string{begin, stop},
			[]string{"start", e.name}},
		{"openat flock pidfd_open pidfd_send_signal ppoll", [][]string{begin}, stop},
		{"flock pidfd_send_signal clone3 execveat unlinkat", [][]string{begin}, []string{"restart", "-t", "0", e.name}},
		{"flock unlinkat pidfd_send_signal openat", [][]string{begin}, []string{"rm", "-f", e.name}},
		{"renameat2 openat", [][]string{begin}, []string{"rename", e.name, e.name + "-2"}},
		// calls of the monitor alone, after the client has exited
		{"ppoll writev lseek execveat wait4 renameat unlinkat fchmodat pidfd_send_signal exit_group", nil,
			[]string{"run", "-d", "--name", e.name, "box", "sh", "-c", "echo one; echo two; exit 3"}},
	} {
		kills[strings.Join(k.args, " ")] = testkit.Kill{
			Calls:    k.calls,
			Detached: true,
			Hidden:   strings.Contains(k.calls, "exit_group"),
			Command: func(t *testing.T) *exec.Cmd {
				for _, args := range k.before {
					e.minictr(args...).want(t, 0)
				}
				return command("minictr", k.args...)
			},
			Truth: func(t *testing.T, killed testkit.Killed) {
				if err := errors.Join(e.truth(), e.again(killed, k.args), e.gone()); err != nil {
					t.Error(err)
				}
			},
		}
	}
	return kills
}

// again repeats the killed command, which must work.
func (e *killedContainer) again(killed testkit.Killed, args []string) error {
	switch {
	case slices.Contains(args, "echo one; echo two; exit 3"):
		if killed.Code != 0 {
			return nil // the container may never run
		}
		if w := e.minictr("wait", e.name); w.stdout != "3\n" && w.stdout != "255\n" {
			return fmt.Errorf("wait: %+v", w)
		}
		return nil
	case args[0] == "run": // its remains are removed first
		if err := e.gone(); err != nil {
			return err
		}
	case args[0] == "rm": // it may be removed or not
		return nil
	case args[0] == "rename":
		e.minictr("rename", e.name+"-2", e.name)
		e.minictr(args...)
		e.minictr("rename", e.name+"-2", e.name)
		return e.truth()
	}
	if again := e.minictr(args...); again.code != 0 {
		return fmt.Errorf("it does not work again: %+v", again)
	}
	return e.truth()
}

// truth checks that a container shown as running has a process, and that no other has.
func (e *killedContainer) truth() error {
	for deadline := time.Now().Add(testkit.Timeout); ; {
		status, pid := e.status()
		alive := pid > 0 && unix.Kill(pid, 0) == nil
		if (status == "running") == alive {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it is said to be %q, and its process %d is alive: %v", status, pid, alive)
		}
	}
}

func (e *killedContainer) status() (status string, pid int) {
	r := e.minictr("inspect", "--type", "container", "--format", "{{.State.Status}} {{.State.Pid}}", e.name)
	words := strings.Fields(r.stdout)
	if r.code != 0 || len(words) != 2 {
		return "", 0
	}
	pid, _ = strconv.Atoi(words[1])
	return words[0], pid
}

// gone removes the container, and returns an error if something is left.
func (e *killedContainer) gone() error {
	r := e.minictr("rm", "-f", e.name)
	if r.code != 0 && !strings.Contains(r.stdout, "no such container") {
		return fmt.Errorf("rm -f: %+v", r)
	}
	e.minictr("gc") // waits for another command that removes it
	if exists(filepath.Join(store, "names", e.name)) {
		return fmt.Errorf("its name is left")
	}
	return nil
}

// TestKillDetachedAtEveryStep kills the commands of three containers at once, in one
// store: what one has left, another's next command may remove.
func TestKillDetachedAtEveryStep(t *testing.T) {
	guard(t)
	if testing.Short() {
		t.Skip("kills some five hundred times")
	}
	killAtOnce(t, func(t *testing.T, i int) map[string]testkit.Kill {
		return (&killedContainer{outputDir(t.TempDir()), t, "ember" + strconv.Itoa(i)}).kills()
	})
	run(command("minictr", "gc"))
}

// TestKillTheMonitor: the container dies with its monitor, even one whose process has
// cleared its parent-death signal, and the next command says so.
func TestKillTheMonitor(t *testing.T) {
	guard(t)
	for _, flags := range [][]string{nil, {"-u", "1000"}, {"-t"}, {"-i"}, {"--pid", "host"}, {"--restart", "always"}} {
		e := &killedContainer{outputDir(t.TempDir()), t, "ember"}
		args := append(append([]string{"run", "-d", "--name", e.name}, flags...), "box", "sh", "-c",
			"sleep 1000 & sleep 1001")
		e.minictr(args...).want(t, 0)
		_, pid := e.status()
		unix.Kill(parent(t, pid), unix.SIGKILL)
		testkit.Eventually(t, "the container's process ends", func() bool {
			return !exists("/proc/"+strconv.Itoa(pid)) || zombie(pid)
		})
		if err := e.truth(); err != nil {
			t.Errorf("%v: %v", flags, err)
		}
		r := e.minictr("inspect", "--type", "container", "--format",
			"{{.State.Status}} {{.State.ExitCode}} {{.State.Why}}", e.name)
		if want := "exited 255 exit status unknown: the monitor was killed"; strings.TrimSpace(r.stdout) != want {
			t.Errorf("%v: %+v, want %q", flags, r, want)
		}
		if err := e.gone(); err != nil {
			t.Errorf("%v: %v", flags, err)
		}
	}
}

// TestKillTheContainer: its monitor records the signal.
func TestKillTheContainer(t *testing.T) {
	guard(t)
	e := &killedContainer{outputDir(t.TempDir()), t, "ember"}
	e.minictr("run", "-d", "--name", e.name, "box", "sleep", "1000").want(t, 0)
	_, pid := e.status()
	unix.Kill(pid, unix.SIGKILL)
	if r := e.minictr("wait", e.name); r.stdout != "137\n" {
		t.Errorf("wait: %+v", r)
	}
	testkit.Check(t, e.gone())
}

// TestTwoHundred starts, stops and removes two hundred containers, from ten clients at
// once.
func TestTwoHundred(t *testing.T) {
	guard(t)
	if testing.Short() {
		t.Skip("starts two hundred containers")
	}
	var clients sync.WaitGroup
	for i := range 10 {
		e := &killedContainer{outputDir(t.TempDir()), t, "client" + strconv.Itoa(i)}
		clients.Go(func() {
			for n := range 20 {
				e.live(n)
			}
		})
	}
	clients.Wait()
	if r := run(command("minictr", "ps", "-a", "-q")); r.stdout != "" {
		t.Errorf("left: %s", r.stdout)
	}
}

// live runs a container through all its states.
func (e *killedContainer) live(n int) {
	name := fmt.Sprintf("%s-%d", e.name, n)
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"run", "-d", "--name", name, "box", "sh", "-c", "echo " + name + "; exec sleep 1000"}, ""},
		{[]string{"exec", name, "echo", "inside"}, "inside\n"},
		{[]string{"logs", name}, name + "\n"},
		{[]string{"stop", "-t", "0", name}, name + "\n"},
		{[]string{"wait", name}, "137\n"},
		{[]string{"start", name}, name + "\n"},
		{[]string{"rm", "-f", name}, name + "\n"},
	} {
		r := e.minictr(step.args...)
		for deadline := time.Now().Add(testkit.Timeout); step.args[0] == "logs" && r.stdout == "" &&
			time.Now().Before(deadline); {
			r = e.minictr(step.args...) // it has not written yet
		}
		if r.code != 0 || step.want != "" && r.stdout != step.want {
			e.t.Errorf("%v: %+v, want %q", step.args, r, step.want)
		}
	}
}

// parent is the parent of a process.
func parent(t *testing.T, pid int) int {
	t.Helper()
	data := testkit.ReadFile(t, fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(data, "PPid:\t")
	number, _, _ := strings.Cut(rest, "\n")
	ppid, err := strconv.Atoi(number)
	testkit.Check(t, err)
	return ppid
}

func zombie(pid int) bool {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return strings.Contains(string(data), "State:\tZ")
}

// TestMonitorThatFails: the container runs already when its monitor fails. The command
// says so, and nothing of the container is left, not even with the host's PID namespace.
func TestMonitorThatFails(t *testing.T) {
	guard(t)
	testkit.NeedTool(t, "strace")
	dir := outputDir(t.TempDir())
	// the monitor calls memfd_create(2) first for the container, then for itself
	args := []string{"-D", "-f", "-qq", "-o", filepath.Join(string(dir), "trace"), "-e", "trace=memfd_create", "-e",
		"inject=memfd_create:error=EMFILE:when=2"}
	cmd := command("minictr", "run", "-d", "--rm", "--pid", "host", "box", "sh", "-c", "sleep 1000 & sleep 1001")
	if r := dir.do(exec.Command("strace", append(args, cmd.Args...)...)); r.code != 125 ||
		!strings.Contains(r.stdout, "memfd_create: too many open files") {
		t.Errorf("%+v", r)
	}
}
