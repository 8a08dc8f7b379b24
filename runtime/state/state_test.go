package state

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// startProcess starts a process that uses the FIFO as that of a container does: it keeps
// it open until it has read a byte, and then executes another program.
func startProcess(t *testing.T, d *Dir) *exec.Cmd {
	t.Helper()
	fifo, err := d.Fifo("go")
	testkit.Check(t, err)
	defer fifo.Close()
	cmd := exec.Command("sh", "-c", `exec 9<>"$0"; echo; read byte <&9; exec 9<&-; exec sleep 1000`, d.Path("go"))
	out, err := cmd.StdoutPipe()
	testkit.Check(t, err, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	out.Read(make([]byte, 1))
	return cmd
}

func newDir(t *testing.T, root, id string) *Dir {
	t.Helper()
	d, err := New(root, id)
	testkit.Check(t, err)
	return d
}

// created returns a container with a process.
func created(t *testing.T, root, id string) (*Dir, *exec.Cmd) {
	t.Helper()
	d := newDir(t, root, id)
	cmd := startProcess(t, d)
	testkit.Check(t, d.SetProcess(cmd.Process.Pid), d.Commit())
	return d, cmd
}

func wantStatus(t *testing.T, root, id string, want specs.ContainerState) {
	t.Helper()
	testkit.Eventually(t, id+" is "+string(want), func() bool {
		d, err := OpenReadOnly(root, id)
		testkit.Check(t, err)
		got, err := d.Status()
		testkit.Check(t, err)
		return got == want
	})
}

// wantList fails the test unless List returns these containers, ID and status.
func wantList(t *testing.T, root string, want ...string) {
	t.Helper()
	list, err := List(root)
	testkit.Check(t, err)
	var got []string
	for _, d := range list {
		status, err := d.Status()
		testkit.Check(t, err)
		got = append(got, d.ID()+" "+string(status))
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed: %q, want %q", got, want)
	}
}

// wantNone fails the test if a path matches the pattern.
func wantNone(t *testing.T, pattern string) {
	t.Helper()
	if names, _ := filepath.Glob(pattern); len(names) > 0 {
		t.Errorf("still there: %s", names)
	}
}

// wantEmpty fails the test if a root has a container, even a leftover.
func wantEmpty(t *testing.T, root string) {
	t.Helper()
	wantNone(t, filepath.Join(root, "[^.]*"))
	wantNone(t, filepath.Join(root, ".[cr]*"))
}

// wantError fails the test unless err is want.
func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func TestStatus(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	_, err := OpenReadOnly(root, "web")
	wantError(t, "a root that does not exist", err, ErrNotExist)
	d := newDir(t, root, "web")
	wantStatus(t, root, "web", specs.StateCreating)
	cmd := startProcess(t, d)
	testkit.Check(t, d.SetProcess(cmd.Process.Pid), d.SaveConfig([]byte(`{"ociVersion":"1.3.0"}`)))
	wantStatus(t, root, "web", specs.StateCreating)
	testkit.Check(t, d.Commit())
	wantStatus(t, root, "web", specs.StateCreated)
	d.Close()
	cmd.Process.Signal(unix.SIGSTOP)
	testkit.Check(t, os.WriteFile(d.Path("go"), []byte("\n\n"), 0))
	wantStatus(t, root, "web", specs.StateRunning) // although it has not read it
	cmd.Process.Signal(unix.SIGCONT)
	wantStatus(t, root, "web", specs.StateRunning)
	cmd.Process.Kill() // without Wait: a zombie
	wantStatus(t, root, "web", specs.StateStopped)
	d, err = Open(root, "web")
	testkit.Check(t, err)
	if spec, err := d.Config(); err != nil || spec.Version != "1.3.0" {
		t.Errorf("config: %v, %v", spec, err)
	}
	testkit.Check(t, d.Remove())
	_, err = OpenReadOnly(root, "web")
	wantError(t, "after Remove", err, ErrNotExist)
	wantEmpty(t, root)
}

func TestIDInUse(t *testing.T) {
	root := t.TempDir()
	d, _ := created(t, root, "web")
	d.Close()
	_, err := New(root, "web")
	wantError(t, "a second container of the ID", err, ErrExist)
	half := newDir(t, root, "half")
	_, err = New(root, "half")
	wantError(t, "a second container while the first is created", err, ErrExist)
	testkit.Check(t, half.Remove())
	newDir(t, root, "half").Close()
}

// TestReusedPIDNotKilled: a process with another start time, or of another boot, is not
// the container's.
func TestReusedPIDNotKilled(t *testing.T) {
	for name, change := range map[string]func(*Record){
		"start time": func(r *Record) { r.StartTime++ },
		"boot":       func(r *Record) { r.Boot = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			d, cmd := created(t, root, "web")
			change(&d.Record)
			testkit.Check(t, d.Save())
			d.Close()
			wantStatus(t, root, "web", specs.StateStopped)
			_, err := d.Record.Pidfd()
			wantError(t, "pidfd", err, ErrNotRunning)
			testkit.Check(t, d.Record.Kill())
			if _, _, err := readStat(cmd.Process.Pid); err != nil || cmd.Process.Signal(unix.Signal(0)) != nil {
				t.Error("another process was killed")
			}
		})
	}
}

// TestReusedPIDOfThread: a PID that has become the ID of another process's thread is that
// of no container.
func TestReusedPIDOfThread(t *testing.T) {
	tids := make(chan int)
	stop := make(chan struct{})
	defer close(stop)
	for range 2 { // one of them may be the main thread
		go func() {
			goruntime.LockOSThread()
			tids <- unix.Gettid()
			<-stop
		}()
	}
	for range 2 {
		_, err := Process{Pid: <-tids}.Pidfd()
		wantError(t, "pidfd", err, ErrNotRunning)
	}
}

// TestLeftoversRemoved: by the next command, and not before the first has ended.
func TestLeftoversRemoved(t *testing.T) {
	for name, next := range map[string]func(root string) error{
		"New":          func(root string) error { d, err := New(root, "next"); return errors.Join(err, d.Remove()) },
		"same ID":      func(root string) error { d, err := New(root, "web"); return errors.Join(err, d.Remove()) },
		"List":         func(root string) error { _, err := List(root); return err },
		"OpenReadOnly": func(root string) error { _, err := OpenReadOnly(root, "next"); return exist(err) },
		"Open":         func(root string) error { _, err := Open(root, "next"); return exist(err) },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			d := newDir(t, root, "web")
			testkit.Check(t, d.SetProcess(startProcess(t, d).Process.Pid))
			wantList(t, root, "web creating")
			if alive, err := d.Record.isAlive(); err != nil || !alive {
				t.Fatalf("the process was killed while the container is created: %v", err)
			}
			d.lock.Close() // as the kernel does when the command is killed
			testkit.Check(t, next(root))
			if alive, err := d.Record.isAlive(); err != nil || alive {
				t.Errorf("the process runs: %v", err)
			}
			wantEmpty(t, root)
		})
	}
}

// exist ignores ErrNotExist.
func exist(err error) error {
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	return err
}

// TestHalfRemovedContainer: it is not listed, and removed when the command has ended.
func TestHalfRemovedContainer(t *testing.T) {
	root := t.TempDir()
	d, cmd := created(t, root, "web")
	cmd.Process.Kill()
	testkit.Check(t, os.Rename(d.Path(""), filepath.Join(root, removed+"web")))
	wantList(t, root)
	d.Close()
	wantList(t, root)
	wantEmpty(t, root)
}

// TestEmptyRecord: a container whose record is empty, as after a power cut, has stopped,
// and can be removed.
func TestEmptyRecord(t *testing.T) {
	root := t.TempDir()
	d, _ := created(t, root, "web")
	d.Close()
	testkit.Check(t, os.WriteFile(d.Path("state.json"), nil, 0o600))
	wantStatus(t, root, "web", specs.StateStopped)
	d, err := Open(root, "web")
	testkit.Check(t, err)
	testkit.Check(t, d.Record.Kill(), d.Remove())
}

// TestOpenWaitsForLock: OpenReadOnly does not.
func TestOpenWaitsForLock(t *testing.T) {
	root := t.TempDir()
	d, _ := created(t, root, "web")
	wantStatus(t, root, "web", specs.StateCreated)
	opened := make(chan error)
	go func() {
		second, err := Open(root, "web")
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("opened while it was locked: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	d.Close()
	testkit.Check(t, <-opened)
}

func TestList(t *testing.T) {
	root := t.TempDir()
	testkit.Check(t, os.WriteFile(filepath.Join(root, "notes"), nil, 0o600))
	for _, id := range []string{"b", "a"} {
		d, _ := created(t, root, id)
		d.Close()
	}
	defer newDir(t, root, "c").Remove()
	wantList(t, root, "a created", "b created", "c creating")
}

// newCgroup makes a cgroup for the test.
func newCgroup(t *testing.T) string {
	t.Helper()
	testkit.NeedRoot(t)
	mount, err := cgroup.Mount()
	if err != nil {
		t.Skip(err)
	}
	group, err := os.MkdirTemp(mount, "minictr-state-test")
	testkit.Check(t, err)
	t.Cleanup(func() { cgroup.Remove(group) })
	return group
}

// TestFrozenCgroup: a container with a frozen cgroup is paused; recovery kills all
// processes of the cgroup.
func TestFrozenCgroup(t *testing.T) {
	group := newCgroup(t)
	dir, err := os.Open(group)
	testkit.Check(t, err)
	defer dir.Close()
	root := t.TempDir()
	d, cmd := created(t, root, "web")
	d.Record.Cgroup = group
	testkit.Check(t, d.SetProcess(cmd.Process.Pid))
	other := exec.Command("sleep", "1000") // in no record
	other.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	testkit.Check(t, other.Start(), os.WriteFile(filepath.Join(group, "cgroup.freeze"), []byte("1"), 0))
	wantStatus(t, root, "web", Paused)
	cmd.Process.Kill()
	wantStatus(t, root, "web", specs.StateStopped)
	testkit.Check(t, os.Rename(d.Path(""), filepath.Join(root, creating+"web")))
	d.Close()
	wantList(t, root)
	if err := other.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the other process in the cgroup: %v", err)
	}
	wantNone(t, group)
	wantEmpty(t, root)
}

// TestExpectedCgroupRemoved: recovery removes the cgroup of a create that was killed
// before it saved the record, or, since hooks need the record, after that; also if the
// record is corrupt.
func TestExpectedCgroupRemoved(t *testing.T) {
	for name, record := range map[string]func(whole []byte) []byte{
		"whole":    func(whole []byte) []byte { return whole },
		"half":     func(whole []byte) []byte { return whole[:len(whole)/2] },
		"empty":    func([]byte) []byte { return nil },
		"nonsense": func([]byte) []byte { return make([]byte, 100) },
		"none":     nil,
	} {
		t.Run(name, func(t *testing.T) {
			group, root := newCgroup(t), t.TempDir()
			d := newDir(t, root, "web")
			testkit.Check(t, d.ExpectCgroup(group))
			if record != nil {
				testkit.Check(t, d.Save())
				whole := testkit.ReadFile(t, d.Path("state.json"))
				testkit.Check(t, os.WriteFile(d.Path("state.json"), record([]byte(whole)), 0o600))
			}
			testkit.Check(t, d.Close())
			wantList(t, root)
			wantNone(t, group)
			wantEmpty(t, root)
		})
	}
}

// TestReusedCgroupNotRemoved: a cgroup of the name that was made later is another
// container's.
func TestReusedCgroupNotRemoved(t *testing.T) {
	group := newCgroup(t)
	root := t.TempDir()
	d, cmd := created(t, root, "web")
	d.Record.Cgroup = group
	testkit.Check(t, d.SetProcess(cmd.Process.Pid), os.Remove(group), os.Mkdir(group, 0o755), d.Record.Kill())
	if _, err := os.Stat(group); err != nil {
		t.Errorf("the other container's cgroup: %v", err)
	}
	testkit.Check(t, d.Remove())
}
