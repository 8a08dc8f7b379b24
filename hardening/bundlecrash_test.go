package hardening

// Crashes of a bundle's container: kill -9 at each step of create, start, exec,
// delete and run, the host's and the container's. The next command shows the truth,
// and after delete --force nothing is left.

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// kills are the commands, with the calls at which each is killed: those that leave
// something behind, wait for another process, or change what the process is.
func (p *killedBundle) kills() map[string]testkit.Kill {
	return map[string]testkit.Kill{
		"create": {Command: p.command("create", "--bundle", p.bundle.dir), Truth: p.truth(p.created), Calls: `
			mkdirat mknodat symlinkat renameat renameat2 unlinkat write read flock fsync pipe2 memfd_create unshare
			fsopen fsconfig fsmount open_tree move_mount mount_setattr bpf clone3 pidfd_open wait4 setsid setns
			sethostname chroot pivot_root umount2 setgroups setresuid capset seccomp close_range execveat execve`},
		"start": {Command: p.command("start"), Truth: p.truth(p.started), Calls: `
			openat read write flock pidfd_open clone3 close`},
		"exec": {Command: p.command("exec", "--", "sleep", "0.05"), Truth: p.truth(p.executed), Calls: `
			openat pidfd_open write read clone3 setns setsid setgroups setresuid capset seccomp close_range execveat
			execve wait4`},
		"detach": {Command: p.command("exec", "--detach", "--pid-file", p.pidFile(), "--", "sleep", "1000"),
			Truth: p.truth(p.detached), Calls: `
			openat pidfd_open write read renameat clone3 setns setsid capset seccomp close_range execveat execve`},
		"delete": {Command: p.command("delete", "--force"), Truth: p.truth(p.deleted), Calls: `
			openat read write flock renameat unlinkat pidfd_open pidfd_send_signal ppoll getdents64 clone3`},
		"run": {Command: p.command("run", "--bundle", p.bundle.dir), Truth: p.truth(p.ran), Calls: `
			mkdirat renameat renameat2 unlinkat write flock clone3 pidfd_open pivot_root seccomp execveat execve
			wait4`},
	}
}

// TestKillBundleAtEveryStep kills the commands of several containers at once, in one
// state directory: what one has left, another's next command may remove.
func TestKillBundleAtEveryStep(t *testing.T) {
	guard(t)
	if testing.Short() {
		t.Skip("kills some four hundred times")
	}
	killAtOnce(t, func(t *testing.T, _ int) map[string]testkit.Kill { return newKilledBundle(t).kills() })
}

// killAtOnce runs three sets of the same kills at once, each with a third of the calls.
func killAtOnce(t *testing.T, kills func(t *testing.T, i int) map[string]testkit.Kill) {
	const sets = 3
	var all sync.WaitGroup
	for i := range sets {
		all.Go(func() {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				for name, k := range kills(t, i) {
					var third []string
					for n, call := range strings.Fields(k.Calls) {
						if n%sets == i {
							third = append(third, call)
						}
					}
					k.Detached = true
					if k.Calls = strings.Join(third, " "); k.Calls != "" {
						t.Logf("%s at %s", name, k.Calls)
						testkit.KillAt(t, k)
					}
				}
			})
		})
	}
	all.Wait()
}

// phoenix is a container that is killed, and made again.
type killedBundle struct {
	*bundle
	outputDir
	t *testing.T
}

// traces is a directory for the output of commands that a container outlives.
type outputDir string

func newKilledBundle(t *testing.T) *killedBundle {
	b := newBundle(t, "sleep", "1000")
	hook := []specs.Hook{{Path: "/bin/busybox", Args: []string{"true"}}}
	b.spec.Hooks = &specs.Hooks{CreateRuntime: hook, StartContainer: hook, Poststop: hook}
	b.save(t)
	return &killedBundle{b, outputDir(t.TempDir()), t}
}

// do runs a command that its container may outlive. Its output has a file of its own: what
// survives an earlier command may still write to that one's.
func (dir outputDir) do(cmd *exec.Cmd) result {
	out, err := os.CreateTemp(string(dir), "out")
	if err != nil {
		return result{code: -1, stderr: err.Error()}
	}
	defer out.Close()
	defer os.Remove(out.Name())
	cmd.Stdout, cmd.Stderr = out, out
	r := run(cmd)
	data, _ := os.ReadFile(out.Name())
	r.stdout = string(data)
	return r
}

func (p *killedBundle) oci(name string, more ...string) result {
	return p.do(p.bundle.oci(name, more...))
}

// command prepares the container for a command, and returns it.
func (p *killedBundle) command(name string, more ...string) func(*testing.T) *exec.Cmd {
	return func(t *testing.T) *exec.Cmd {
		var err error
		switch name {
		case "create":
		case "start":
			err = p.creates()
		case "run":
			p.args("true")
		default:
			err = p.lives()
		}
		testkit.Check(t, err)
		return p.bundle.oci(name, more...)
	}
}

func (p *killedBundle) pidFile() string { return filepath.Join(string(p.outputDir), "pid") }

func (p *killedBundle) args(args ...string) {
	p.spec.Process.Args = args
	p.save(p.t)
}

// truth fails the test if what check finds is wrong, or if the container cannot be
// removed completely.
func (p *killedBundle) truth(check func(testkit.Killed) error) func(*testing.T, testkit.Killed) {
	return func(t *testing.T, k testkit.Killed) {
		err := check(k)
		p.args("sleep", "1000")
		if err = errors.Join(err, p.gone()); err != nil {
			t.Error(err)
		}
	}
}

// gone removes the container, and returns an error if something is left.
func (p *killedBundle) gone() error {
	if r := p.oci("delete", "--force"); r.code != 0 {
		return fmt.Errorf("delete --force: %+v", r)
	}
	return p.left()
}

// left returns an error if something of a removed container is left. Another command may
// be about to remove it.
func (p *killedBundle) left() error {
	mount, _ := cgroup.Mount()
	var all []string
	if testkit.Within(func() bool {
		files, _ := filepath.Glob(filepath.Join(states, "*"+p.id()))
		groups, _ := filepath.Glob(filepath.Join(mount, "minictr", p.id()))
		all = append(files, groups...)
		return len(all) == 0
	}) {
		return nil
	}
	return fmt.Errorf("left: %q", all)
}

// status is the status that the command state prints, "" if there is no container. It is
// creating while a process of a killed create is still dying.
func (p *killedBundle) status() (status specs.ContainerState, err error) {
	if testkit.Within(func() bool { status, err = p.state(); return status != specs.StateCreating }) {
		return status, err
	}
	return status, errors.New("it is creating, and no process creates it")
}

// state checks it too: a running container has a process, a stopped one has none.
func (p *killedBundle) state() (specs.ContainerState, error) {
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
			again := p.oci("state") // it may just have exited
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

// wants runs a command, which must succeed.
func (p *killedBundle) wants(name string, more ...string) error {
	if r := p.oci(name, more...); r.code != 0 {
		return fmt.Errorf("%s does not work: %+v", name, r)
	}
	return nil
}

func (p *killedBundle) creates() error { return p.wants("create", "--bundle", p.bundle.dir) }

// created: a container that is shown can be started, or has stopped; one that is not
// shown can be created.
func (p *killedBundle) created(k testkit.Killed) error {
	if k.Code == 1 {
		if err := p.left(); err != nil {
			return fmt.Errorf("create failed: %w", err)
		}
	}
	status, err := p.status()
	if err != nil {
		return err
	}
	switch status {
	case "":
		return p.creates()
	case specs.StateCreated:
		if s := p.oci("start"); s.code != 0 { // the container was killed on its last steps
			status, err = p.status()
			if err == nil && status != specs.StateStopped && !destroyed(status, s.code, s.stdout) {
				err = fmt.Errorf("start failed, and it is %q: %+v", status, s)
			}
		}
		return err
	case specs.StateStopped:
		return nil
	}
	return fmt.Errorf("it is %s", status)
}

// destroyed reports whether a container was removed because a hook failed. Hooks die
// with the container's process, too.
func destroyed(status specs.ContainerState, code int, output string) bool {
	return status == "" && code != 0 && strings.Contains(output, "hooks.")
}

// started: it is still created, and can be started; or it runs, and cannot.
func (p *killedBundle) started(k testkit.Killed) error {
	status, err := p.status()
	if err != nil {
		return err
	}
	again := p.oci("start")
	switch {
	case status == specs.StateCreated && again.code == 0:
	case status == specs.StateRunning && strings.Contains(again.stdout, "already running"):
	// a hook was killed
	case status == specs.StateStopped && k.Code != 0 && strings.Contains(again.stdout, "has stopped"):
	case destroyed(status, k.Code, k.Output):
	default:
		return fmt.Errorf("it is %q, and start says %+v", status, again)
	}
	return nil
}

// lives creates and starts the container.
func (p *killedBundle) lives() error {
	if err := p.creates(); err != nil {
		return err
	}
	return p.wants("start")
}

// executed: the process dies with the command that waits for it, the container runs
// on, and another process can be executed.
func (p *killedBundle) executed(testkit.Killed) error {
	if !testkit.Within(func() bool { return strings.Count(p.oci("ps", "--format=json").stdout, ",") == 0 }) {
		return fmt.Errorf("more than the container's process: %+v", p.oci("ps"))
	}
	return p.wants("exec", "--", "true")
}

// detached: the container runs on, whichever process was killed.
func (p *killedBundle) detached(testkit.Killed) error {
	status, err := p.status()
	if err == nil && status != specs.StateRunning {
		err = fmt.Errorf("the container is %q", status)
	}
	return err
}

// deleted: it is shown, and can be deleted; or it is not, and can be created.
func (p *killedBundle) deleted(k testkit.Killed) error {
	status, err := p.status()
	switch {
	case err != nil:
	case status == "":
		if err = p.left(); err == nil {
			err = p.creates()
		}
	case k.Code == 0:
		err = fmt.Errorf("it was deleted, and is %s", status)
	}
	return err
}

// ran: the container ends with its command; what is left is a stopped container, or
// nothing.
func (p *killedBundle) ran(testkit.Killed) error {
	var status specs.ContainerState
	var err error
	if !testkit.Within(func() bool { // it may still be dying
		status, err = p.status()
		return err != nil || status == "" || status == specs.StateStopped
	}) {
		return fmt.Errorf("it is %s, without its command", status)
	}
	if err == nil && status == "" {
		err = p.wants("run", "--bundle", p.bundle.dir)
	}
	return err
}
