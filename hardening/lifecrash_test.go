package hardening

// Crashes in the life of a bundle's container: kill -9 at every step of create,
// start, exec, delete and run, the host's and the container's. The next command
// has to see the truth, and after delete --force nothing is left.

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// steps are the calls at which each command is killed: those that leave
// something behind, wait for somebody, or make the process another one.
var steps = map[string][]string{
	"create": {
		"mkdirat", "mknodat", "symlinkat", "renameat", "renameat2", "unlinkat", "write", "read", "flock", "fsync", "pipe2", "memfd_create",
		"unshare", "fsopen", "fsconfig", "fsmount", "open_tree", "move_mount", "mount_setattr", "bpf", "clone3", "pidfd_open", "wait4",
		"setsid", "setns", "sethostname", "chroot", "pivot_root", "umount2", "setgroups", "setresuid", "capset", "seccomp", "close_range", "execveat", "execve",
	},
	"start":  {"openat", "read", "write", "flock", "pidfd_open", "clone3", "close"},
	"exec":   {"openat", "pidfd_open", "write", "read", "clone3", "setns", "setsid", "setgroups", "setresuid", "capset", "seccomp", "close_range", "execveat", "execve", "wait4"},
	"detach": {"openat", "pidfd_open", "write", "read", "renameat", "clone3", "setns", "setsid", "capset", "seccomp", "close_range", "execveat", "execve"},
	"delete": {"openat", "read", "write", "flock", "renameat", "unlinkat", "pidfd_open", "pidfd_send_signal", "ppoll", "getdents64", "clone3"},
	"run":    {"mkdirat", "renameat", "renameat2", "unlinkat", "write", "flock", "clone3", "pidfd_open", "pivot_root", "seccomp", "execveat", "execve", "wait4"},
}

// TestKillInEveryLife kills several containers in their lives at once, on one
// root: what one has left, the other's next command may clear away.
func TestKillInEveryLife(t *testing.T) {
	guard(t)
	testkit.NeedTool(t, "strace")
	if testing.Short() {
		t.Skip("kills some four hundred times")
	}
	type job struct{ command, call string }
	jobs := make(chan job)
	var all sync.WaitGroup
	for range 3 {
		p := newPhoenix(t)
		all.Go(func() {
			for j := range jobs {
				if t.Failed() {
					continue
				}
				kills := p.sweep(j.command, j.call)
				t.Logf("%-7s killed at %-18s %3d times", j.command, j.call, kills)
			}
		})
	}
	for name, calls := range steps {
		for _, call := range calls {
			jobs <- job{name, call}
		}
	}
	close(jobs)
	all.Wait()
}

// phoenix is a container that is killed, and is there again.
type phoenix struct {
	*bundle
	traces
	t *testing.T
}

// traces is a folder for what commands say and do whose container may live on.
type traces string

func newPhoenix(t *testing.T) *phoenix {
	b := newBundle(t, "sleep", "1000")
	hook := []specs.Hook{{Path: "/bin/busybox", Args: []string{"true"}}}
	b.spec.Hooks = &specs.Hooks{CreateRuntime: hook, StartContainer: hook, Poststop: hook}
	b.save(t)
	return &phoenix{b, traces(t.TempDir()), t}
}

// do runs a command whose container may live on.
func (dir traces) do(cmd *exec.Cmd) result {
	file := filepath.Join(string(dir), "out")
	out, err := os.Create(file)
	if err != nil {
		return result{code: -1, stderr: err.Error()}
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	r := run(cmd)
	data, _ := os.ReadFile(file)
	r.stdout = string(data)
	return r
}

func (p *phoenix) oci(name string, more ...string) result { return p.do(p.bundle.oci(name, more...)) }

// killedAt runs a command, and kills who makes a call for the n-th time. strace
// stays with the container's process when the command has ended.
func (dir traces) killedAt(call string, n int, cmd *exec.Cmd) result {
	args := []string{"-D", "-f", "-qq", "-o", filepath.Join(string(dir), "trace"), "-e", "trace=" + call,
		"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call, n)}
	return dir.do(exec.Command("strace", append(args, cmd.Args...)...))
}

// sweep kills a command at the first, second, … call of a kind, until it makes
// no more of them.
func (p *phoenix) sweep(name, call string) (kills int) {
	cycle := map[string]func(string, int) (result, error){
		"create": p.create, "start": p.start, "exec": p.execute, "detach": p.detach, "delete": p.delete, "run": p.run,
	}[name]
	for n := 1; ; n++ {
		r, err := cycle(call, n)
		if err == nil {
			err = p.gone()
		}
		if err != nil {
			p.t.Errorf("%s, killed at %s %d: %v\nit said: %+v", name, call, n, err, r)
			p.oci("delete", "--force")
			return n
		}
		if r.code == 0 {
			return n - 1
		}
	}
}

// gone removes the container, and tells what is left of it.
func (p *phoenix) gone() error {
	if r := p.oci("delete", "--force"); r.code != 0 {
		return fmt.Errorf("delete --force: %+v", r)
	}
	return p.left()
}

// left tells what there is of a container that should be gone. Somebody else's
// command may be about to clear it away.
func (p *phoenix) left() error {
	mount, _ := cgroup.Mount()
	var all []string
	for deadline := time.Now().Add(testkit.Timeout); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		files, _ := filepath.Glob(filepath.Join(states, "*"+p.id()))
		groups, _ := filepath.Glob(filepath.Join(mount, "minictr", p.id()))
		if all = append(files, groups...); len(all) == 0 {
			return nil
		}
	}
	return fmt.Errorf("left: %q", all)
}

// status is what the command state says, "" if there is no container. It is
// creating for as long as a process of a create that was killed is still dying.
func (p *phoenix) status() (status specs.ContainerState, err error) {
	for deadline := time.Now().Add(testkit.Timeout); time.Now().Before(deadline); {
		if status, err = p.state(); status != specs.StateCreating {
			return status, err
		}
	}
	return status, errors.New("nobody creates it any more, and it is creating")
}

// state also sees whether it is true: a container that lives has a process, one
// that has stopped has none.
func (p *phoenix) state() (specs.ContainerState, error) {
	r := p.oci("state")
	if r.code != 0 {
		if strings.Contains(r.stdout, "does not exist") {
			return "", nil
		}
		return "", fmt.Errorf("state: %+v", r)
	}
	var s specs.State
	if err := json.Unmarshal([]byte(r.stdout), &s); err != nil {
		return "", err
	}
	switch s.Status {
	case specs.StateCreated, specs.StateRunning:
		if err := unix.Kill(s.Pid, 0); err != nil || s.Pid == 0 {
			again := p.oci("state") // it may just have died
			if !strings.Contains(again.stdout, `"stopped"`) {
				return "", fmt.Errorf("it is %s, and has no process %d: %w", s.Status, s.Pid, err)
			}
		}
	case specs.StateStopped:
		if s.Pid != 0 {
			return "", fmt.Errorf("it has stopped, and has a process %d", s.Pid)
		}
	}
	return s.Status, nil
}

// wants runs a command that has to succeed.
func (p *phoenix) wants(name string, more ...string) error {
	if r := p.oci(name, more...); r.code != 0 {
		return fmt.Errorf("%s does not work: %+v", name, r)
	}
	return nil
}

func (p *phoenix) creates() error { return p.wants("create", "--bundle", p.bundle.dir) }

// create: what has become a container can be started, or has ended; what has
// not, is not seen, and the next create works.
func (p *phoenix) create(call string, n int) (result, error) {
	r := p.killedAt(call, n, p.bundle.oci("create", "--bundle", p.bundle.dir))
	if r.code == 1 {
		if err := p.left(); err != nil {
			return r, fmt.Errorf("create failed: %w", err)
		}
	}
	status, err := p.status()
	if err != nil {
		return r, err
	}
	switch status {
	case "":
		return r, p.creates()
	case specs.StateCreated:
		if s := p.oci("start"); s.code != 0 {
			r.code = s.code // the container was killed on its last steps
			status, err = p.status()
			if err == nil && status != specs.StateStopped && !destroyed(status, s) {
				err = fmt.Errorf("start failed, and it is %q: %+v", status, s)
			}
		}
	case specs.StateStopped:
		r.code = 1
	default:
		err = fmt.Errorf("it is %s", status)
	}
	return r, err
}

// destroyed tells whether a container is gone since a hook has failed: that is its
// end. Hooks die with the container's process, too.
func destroyed(status specs.ContainerState, start result) bool {
	return status == "" && start.code != 0 && strings.Contains(start.stdout, "hooks.")
}

// start: it is still created, and can be started; or it runs, and cannot.
func (p *phoenix) start(call string, n int) (result, error) {
	if err := p.creates(); err != nil {
		return result{}, err
	}
	r := p.killedAt(call, n, p.bundle.oci("start"))
	status, err := p.status()
	if err != nil {
		return r, err
	}
	again := p.oci("start")
	switch {
	case status == specs.StateCreated && again.code == 0:
	case status == specs.StateRunning && strings.Contains(again.stdout, "already running"):
	case status == specs.StateStopped && r.code != 0 && strings.Contains(again.stdout, "has stopped"): // a hook was killed
	case destroyed(status, r):
	default:
		err = fmt.Errorf("it is %q, and start says %+v", status, again)
	}
	return r, err
}

// lives sees to a container that runs.
func (p *phoenix) lives() error {
	if err := p.creates(); err != nil {
		return err
	}
	return p.wants("start")
}

// execute: the process dies with who waits for it, the container lives on, and
// others can come.
func (p *phoenix) execute(call string, n int) (result, error) {
	if err := p.lives(); err != nil {
		return result{}, err
	}
	r := p.killedAt(call, n, p.bundle.oci("exec", "--", "sleep", "0.05"))
	for deadline := time.Now().Add(testkit.Timeout); time.Now().Before(deadline); {
		if strings.Count(p.oci("ps", "--format=json").stdout, ",") == 0 {
			return r, p.wants("exec", "--", "true")
		}
	}
	return r, fmt.Errorf("more than the container's process: %+v", p.oci("ps"))
}

// detach: whoever killed it finds the container as it was.
func (p *phoenix) detach(call string, n int) (result, error) {
	if err := p.lives(); err != nil {
		return result{}, err
	}
	file := filepath.Join(string(p.traces), "pid")
	os.Remove(file)
	r := p.killedAt(call, n, p.bundle.oci("exec", "--detach", "--pid-file", file, "--", "sleep", "1000"))
	if pid, err := os.ReadFile(file); err != nil || !exists("/proc/"+string(pid)) {
		r.code = 1 // it was the new process that was killed
	}
	status, err := p.status()
	if err == nil && status != specs.StateRunning {
		err = fmt.Errorf("the container is %q", status)
	}
	return r, err
}

// delete: it is there still, and can be deleted; or it is not, and can be created.
func (p *phoenix) delete(call string, n int) (result, error) {
	if err := p.lives(); err != nil {
		return result{}, err
	}
	r := p.killedAt(call, n, p.bundle.oci("delete", "--force"))
	status, err := p.status()
	switch {
	case err != nil:
	case status == "":
		if err = p.left(); err == nil {
			err = p.creates()
		}
	case r.code == 0:
		err = fmt.Errorf("it was deleted, and is %s", status)
	}
	return r, err
}

// run: it ends with its command; what it leaves is a container that has stopped,
// or nothing.
func (p *phoenix) run(call string, n int) (result, error) {
	config := *p.spec.Process
	defer func() { *p.spec.Process = config; p.save(p.t) }()
	p.spec.Process.Args = []string{"true"}
	p.save(p.t)
	r := p.killedAt(call, n, p.bundle.oci("run", "--bundle", p.bundle.dir))
	status, err := p.status()
	for deadline := time.Now().Add(testkit.Timeout); err == nil && status != "" && status != specs.StateStopped && time.Now().Before(deadline); {
		status, err = p.status() // it is just dying
	}
	if err == nil && status == "" {
		return r, p.wants("run", "--bundle", p.bundle.dir)
	}
	if err == nil && status != specs.StateStopped {
		err = fmt.Errorf("it is %s, without its command", status)
	}
	return r, err
}
