package state

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// begin starts a process that treats the FIFO as that of a container does: it holds
// it open until it reads a byte, and then executes another program.
func begin(t *testing.T, d *Dir) *exec.Cmd {
	t.Helper()
	fifo, err := d.Fifo("go")
	if err != nil {
		t.Fatal(err)
	}
	defer fifo.Close()
	cmd := exec.Command("sh", "-c", `exec 9<>"$0"; echo; read byte <&9; exec 9<&-; exec sleep 1000`, d.Path("go"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	out.Read(make([]byte, 1))
	return cmd
}

// created returns a container with a process.
func created(t *testing.T, root, id string) (*Dir, *exec.Cmd) {
	t.Helper()
	d, err := New(root, id)
	if err != nil {
		t.Fatal(err)
	}
	cmd := begin(t, d)
	if err := errors.Join(d.SetProcess(cmd.Process.Pid), d.Commit()); err != nil {
		t.Fatal(err)
	}
	return d, cmd
}

func wantStatus(t *testing.T, root, id string, want specs.ContainerState) {
	t.Helper()
	var got specs.ContainerState
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		d, err := OpenReadOnly(root, id)
		if err != nil {
			t.Fatal(err)
		}
		if got, err = d.Status(); err != nil {
			t.Fatal(err)
		}
		if got == want {
			return
		}
	}
	t.Errorf("%s is %s, want %s", id, got, want)
}

func wantGone(t *testing.T, root string) {
	t.Helper()
	if names, _ := filepath.Glob(filepath.Join(root, "*")); len(names) > 0 {
		t.Errorf("left over: %s", names)
	}
	if names, _ := filepath.Glob(filepath.Join(root, ".[cr]*")); len(names) > 0 {
		t.Errorf("left over: %s", names)
	}
}

func TestStatus(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	if _, err := OpenReadOnly(root, "web"); !errors.Is(err, ErrNotExist) {
		t.Fatalf("a root that does not exist: %v", err)
	}
	d, err := New(root, "web")
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, root, "web", specs.StateCreating)
	cmd := begin(t, d)
	if err := errors.Join(d.SetProcess(cmd.Process.Pid), d.SaveConfig([]byte(`{"ociVersion":"1.3.0"}`))); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, root, "web", specs.StateCreating)
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, root, "web", specs.StateCreated)
	d.Close()
	cmd.Process.Signal(unix.SIGSTOP)
	if err := os.WriteFile(d.Path("go"), []byte("\n\n"), 0); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, root, "web", specs.StateRunning) // although it has not read it
	cmd.Process.Signal(unix.SIGCONT)
	wantStatus(t, root, "web", specs.StateRunning)
	cmd.Process.Kill() // without Wait: a zombie
	wantStatus(t, root, "web", specs.StateStopped)
	if d, err = Open(root, "web"); err != nil {
		t.Fatal(err)
	}
	if spec, err := d.Config(); err != nil || spec.Version != "1.3.0" {
		t.Errorf("config: %v, %v", spec, err)
	}
	if err := d.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReadOnly(root, "web"); !errors.Is(err, ErrNotExist) {
		t.Errorf("after Remove: %v", err)
	}
	wantGone(t, root)
}

func TestIDInUse(t *testing.T) {
	root := t.TempDir()
	d, _ := created(t, root, "web")
	d.Close()
	if _, err := New(root, "web"); !errors.Is(err, ErrExist) {
		t.Errorf("a second container of the id: %v", err)
	}
	half, err := New(root, "half")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(root, "half"); !errors.Is(err, ErrExist) {
		t.Errorf("a second container while the first is being created: %v", err)
	}
	if err := half.Remove(); err != nil {
		t.Fatal(err)
	}
	if half, err = New(root, "half"); err != nil {
		t.Errorf("after the first was removed: %v", err)
	}
	half.Close()
}

// PIDs are used again: a process that began at another time or in another boot is not
// the container's.
func TestReusedPidIsSpared(t *testing.T) {
	for name, change := range map[string]func(*Record){
		"start time": func(r *Record) { r.StartTime++ },
		"boot":       func(r *Record) { r.Boot = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			d, cmd := created(t, root, "web")
			change(&d.Record)
			if err := d.Save(); err != nil {
				t.Fatal(err)
			}
			d.Close()
			wantStatus(t, root, "web", specs.StateStopped)
			if _, err := d.Record.Pidfd(); !errors.Is(err, ErrNotRunning) {
				t.Errorf("pidfd: %v", err)
			}
			if err := d.Record.Kill(); err != nil {
				t.Error(err)
			}
			if _, _, err := readStat(cmd.Process.Pid); err != nil || cmd.Process.Signal(unix.Signal(0)) != nil {
				t.Error("another process was killed")
			}
		})
	}
}

// The next command removes what a killed one left, and nothing before that.
func TestLeftoversAreRemoved(t *testing.T) {
	for name, next := range map[string]func(root string) error{
		"new":  func(root string) error { d, err := New(root, "next"); return errors.Join(err, d.Remove()) },
		"same": func(root string) error { d, err := New(root, "web"); return errors.Join(err, d.Remove()) },
		"list": func(root string) error { _, err := List(root); return err },
		"look": func(root string) error { _, err := OpenReadOnly(root, "next"); return ignore(err) },
		"open": func(root string) error { _, err := Open(root, "next"); return ignore(err) },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			d, err := New(root, "web")
			if err != nil {
				t.Fatal(err)
			}
			cmd := begin(t, d)
			if err := d.SetProcess(cmd.Process.Pid); err != nil {
				t.Fatal(err)
			}
			if _, err := List(root); err != nil {
				t.Fatal(err)
			}
			if alive, err := d.Record.isAlive(); err != nil || !alive {
				t.Fatalf("the process was killed while the container was being created: %v", err)
			}
			d.lock.Close() // as the kernel does when the command is killed
			if err := next(root); err != nil {
				t.Fatal(err)
			}
			if alive, err := d.Record.isAlive(); err != nil || alive {
				t.Errorf("the process runs: %v", err)
			}
			wantGone(t, root)
		})
	}
}

func ignore(err error) error {
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	return err
}

func TestHalfRemovedIsRemoved(t *testing.T) {
	root := t.TempDir()
	d, cmd := created(t, root, "web")
	cmd.Process.Kill()
	if err := os.Rename(d.Path(""), filepath.Join(root, removed+"web")); err != nil {
		t.Fatal(err)
	}
	if list, err := List(root); err != nil || len(list) != 0 {
		t.Errorf("a container that is being removed is listed: %v, %v", list, err)
	}
	d.Close()
	if list, err := List(root); err != nil || len(list) != 0 {
		t.Errorf("a half-removed container is listed: %v, %v", list, err)
	}
	wantGone(t, root)
}

// A power cut may leave an empty record. The container has stopped, and can be
// removed.
func TestEmptyRecord(t *testing.T) {
	root := t.TempDir()
	d, _ := created(t, root, "web")
	d.Close()
	if err := os.WriteFile(d.Path("state.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, root, "web", specs.StateStopped)
	d, err := Open(root, "web")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Record.Kill(), d.Remove()); err != nil {
		t.Error(err)
	}
}

// A command that changes a container waits for the lock; one that reads does not.
func TestLock(t *testing.T) {
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
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestList(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"b", "a"} {
		d, _ := created(t, root, id)
		d.Close()
	}
	d, err := New(root, "c")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Remove()
	list, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range list {
		status, err := d.Status()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d.ID()+" "+string(status))
	}
	if strings.Join(got, ", ") != "a created, b created, c creating" {
		t.Error(got)
	}
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
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cgroup.Remove(group) })
	return group
}

// A frozen cgroup is a paused container, and recovery kills all its processes.
func TestCgroup(t *testing.T) {
	group := newCgroup(t)
	dir, err := os.Open(group)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	root := t.TempDir()
	d, cmd := created(t, root, "web")
	d.Record.Cgroup = group
	if err := d.SetProcess(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	other := exec.Command("sleep", "1000") // in no record
	other.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(group, "cgroup.freeze"), []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, root, "web", Paused)
	cmd.Process.Kill()
	wantStatus(t, root, "web", specs.StateStopped)
	if err := os.Rename(d.Path(""), filepath.Join(root, creating+"web")); err != nil {
		t.Fatal(err)
	}
	d.Close()
	if _, err := List(root); err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the other process in the cgroup: %v", err)
	}
	if _, err := os.Stat(group); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the cgroup still exists: %v", err)
	}
	wantGone(t, root)
}

// Recovery removes the cgroup of a create that was killed before it saved the record,
// or after that, as hooks need it.
func TestExpectedCgroup(t *testing.T) {
	for _, saved := range []bool{false, true} {
		group, root := newCgroup(t), t.TempDir()
		d, err := New(root, "web")
		if err != nil {
			t.Fatal(err)
		}
		err = d.ExpectCgroup(group)
		if saved {
			err = errors.Join(err, d.Save())
		}
		if err := errors.Join(err, d.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := List(root); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(group); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("record saved: %v: the cgroup still exists: %v", saved, err)
		}
		wantGone(t, root)
	}
}

// Names of cgroups are used again: one that was made later is another container's.
func TestReusedCgroupNameIsSpared(t *testing.T) {
	group := newCgroup(t)
	root := t.TempDir()
	d, cmd := created(t, root, "web")
	d.Record.Cgroup = group
	if err := d.SetProcess(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(group), os.Mkdir(group, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := d.Record.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(group); err != nil {
		t.Errorf("the other container's cgroup: %v", err)
	}
	if err := d.Remove(); err != nil {
		t.Fatal(err)
	}
}
