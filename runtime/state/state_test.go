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

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// begin starts a process that does with the FIFO what a container's does: it
// holds it open until a byte comes, and then becomes another program.
func begin(t *testing.T, f *Dir) *exec.Cmd {
	t.Helper()
	fifo, err := f.Fifo("go")
	if err != nil {
		t.Fatal(err)
	}
	defer fifo.Close()
	cmd := exec.Command("sh", "-c", `exec 9<>"$0"; echo; read byte <&9; exec 9<&-; exec sleep 1000`, f.Path("go"))
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

// created makes a container with a process.
func created(t *testing.T, root, id string) (*Dir, *exec.Cmd) {
	t.Helper()
	f, err := New(root, id)
	if err != nil {
		t.Fatal(err)
	}
	cmd := begin(t, f)
	if err := errors.Join(f.SetProcess(cmd.Process.Pid), f.Commit()); err != nil {
		t.Fatal(err)
	}
	return f, cmd
}

func wantStatus(t *testing.T, root, id string, want specs.ContainerState) {
	t.Helper()
	var got specs.ContainerState
	// what a shell does takes a moment
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		f, err := OpenReadOnly(root, id)
		if err != nil {
			t.Fatal(err)
		}
		if got, err = f.Status(); err != nil {
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

func TestLife(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	if _, err := OpenReadOnly(root, "web"); !errors.Is(err, ErrNotExist) {
		t.Fatalf("look into a root that is not there: %v", err)
	}
	f, err := New(root, "web")
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, root, "web", specs.StateCreating)
	cmd := begin(t, f)
	if err := errors.Join(f.SetProcess(cmd.Process.Pid), f.SaveConfig([]byte(`{"ociVersion":"1.3.0"}`))); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, root, "web", specs.StateCreating)
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, root, "web", specs.StateCreated)
	f.Close()
	if err := os.WriteFile(f.Path("go"), []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, root, "web", specs.StateRunning)
	cmd.Process.Kill() // nobody has waited for it yet: it is a zombie
	wantStatus(t, root, "web", specs.StateStopped)
	if f, err = Open(root, "web"); err != nil {
		t.Fatal(err)
	}
	if spec, err := f.Config(); err != nil || spec.Version != "1.3.0" {
		t.Errorf("config: %v, %v", spec, err)
	}
	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReadOnly(root, "web"); !errors.Is(err, ErrNotExist) {
		t.Errorf("look at what was removed: %v", err)
	}
	wantGone(t, root)
}

func TestIDIsTaken(t *testing.T) {
	root := t.TempDir()
	f, _ := created(t, root, "web")
	f.Close()
	if _, err := New(root, "web"); !errors.Is(err, ErrExist) {
		t.Errorf("a second one of the same id: %v", err)
	}
	half, err := New(root, "half")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(root, "half"); !errors.Is(err, ErrExist) {
		t.Errorf("a second one while the first is being created: %v", err)
	}
	if err := half.Remove(); err != nil {
		t.Fatal(err)
	}
	if half, err = New(root, "half"); err != nil {
		t.Errorf("after the first one failed: %v", err)
	}
	half.Close()
}

// Numbers of processes are used again: one that began at another time, or in
// another boot, is not the container's, and nothing may be done to it.
func TestAnotherProcessOfThatNumber(t *testing.T) {
	for name, change := range map[string]func(*Record){
		"start time": func(r *Record) { r.StartTime++ },
		"boot":       func(r *Record) { r.Boot = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			f, cmd := created(t, root, "web")
			change(&f.Record)
			if err := f.Save(); err != nil {
				t.Fatal(err)
			}
			f.Close()
			wantStatus(t, root, "web", specs.StateStopped)
			if _, err := f.Record.Pidfd(); !errors.Is(err, ErrNotRunning) {
				t.Errorf("pidfd: %v", err)
			}
			if err := f.Record.Kill(); err != nil {
				t.Error(err)
			}
			if _, _, err := readStat(cmd.Process.Pid); err != nil || cmd.Process.Signal(unix.Signal(0)) != nil {
				t.Error("somebody else's process was killed")
			}
		})
	}
}

// What the lock's holder leaves when it is killed, is cleared by whoever comes
// next, but not before.
func TestRemaindersAreCleared(t *testing.T) {
	for name, next := range map[string]func(root string) error{
		"new":  func(root string) error { f, err := New(root, "next"); return errors.Join(err, f.Remove()) },
		"same": func(root string) error { f, err := New(root, "web"); return errors.Join(err, f.Remove()) },
		"list": func(root string) error { _, err := List(root); return err },
		"look": func(root string) error { _, err := OpenReadOnly(root, "next"); return ignore(err) },
		"open": func(root string) error { _, err := Open(root, "next"); return ignore(err) },
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			f, err := New(root, "web")
			if err != nil {
				t.Fatal(err)
			}
			cmd := begin(t, f)
			if err := f.SetProcess(cmd.Process.Pid); err != nil {
				t.Fatal(err)
			}
			if _, err := List(root); err != nil {
				t.Fatal(err)
			}
			if alive, err := f.Record.alive(); err != nil || !alive {
				t.Fatalf("its process was killed while it was being created: %v", err)
			}
			f.lock.Close() // as the kernel does for the killed
			if err := next(root); err != nil {
				t.Fatal(err)
			}
			if alive, err := f.Record.alive(); err != nil || alive {
				t.Errorf("its process lives: %v", err)
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

func TestHalfRemovedIsCleared(t *testing.T) {
	root := t.TempDir()
	f, cmd := created(t, root, "web")
	cmd.Process.Kill()
	if err := os.Rename(f.Path(""), filepath.Join(root, removed+"web")); err != nil {
		t.Fatal(err)
	}
	if list, err := List(root); err != nil || len(list) != 0 {
		t.Errorf("a container in removal is listed: %v, %v", list, err)
	}
	f.Close()
	if list, err := List(root); err != nil || len(list) != 0 {
		t.Errorf("a container half removed is listed: %v, %v", list, err)
	}
	wantGone(t, root)
}

// A power cut may leave a container's folder with nothing in its record. It has
// stopped, and can be removed.
func TestEmptyRecord(t *testing.T) {
	root := t.TempDir()
	f, _ := created(t, root, "web")
	f.Close()
	if err := os.WriteFile(f.Path("state.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, root, "web", specs.StateStopped)
	f, err := Open(root, "web")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Record.Kill(), f.Remove()); err != nil {
		t.Error(err)
	}
}

// A command that changes a container waits for another one that does; one that
// reads it does not.
func TestLock(t *testing.T) {
	root := t.TempDir()
	f, _ := created(t, root, "web")
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
		t.Fatalf("opened under another's lock: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	f.Close()
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
		f, _ := created(t, root, id)
		f.Close()
	}
	f, err := New(root, "c")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Remove()
	list, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range list {
		status, err := f.Status()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.ID()+" "+string(status))
	}
	if strings.Join(got, ", ") != "a created, b created, c creating" {
		t.Error(got)
	}
}

// newCgroup makes a cgroup that no other test knows.
func newCgroup(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root makes cgroups")
	}
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

// With a cgroup: it can be frozen, and what is left of a create goes with it.
func TestCgroup(t *testing.T) {
	group := newCgroup(t)
	dir, err := os.Open(group)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	root := t.TempDir()
	f, cmd := created(t, root, "web")
	f.Record.Cgroup = group
	if err := f.SetProcess(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	other := exec.Command("sleep", "1000") // nobody has recorded this one
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
	if err := os.Rename(f.Path(""), filepath.Join(root, creating+"web")); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := List(root); err != nil {
		t.Fatal(err)
	}
	if err := other.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the other process in the cgroup: %v", err)
	}
	if _, err := os.Stat(group); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the cgroup is left: %v", err)
	}
	wantGone(t, root)
}

// A create that is killed has told of its cgroup, whether it has come to saving the
// record, as it does when hooks run, or not.
func TestExpectedCgroup(t *testing.T) {
	for _, saved := range []bool{false, true} {
		group, root := newCgroup(t), t.TempDir()
		f, err := New(root, "web")
		if err != nil {
			t.Fatal(err)
		}
		err = f.ExpectCgroup(group)
		if saved {
			err = errors.Join(err, f.Save())
		}
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := List(root); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(group); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("record saved: %v: the cgroup is left: %v", saved, err)
		}
		wantGone(t, root)
	}
}

// Names of cgroups are used again: one that was made after ours had gone is
// another container's.
func TestAnotherCgroupOfThatName(t *testing.T) {
	group := newCgroup(t)
	root := t.TempDir()
	f, cmd := created(t, root, "web")
	f.Record.Cgroup = group
	if err := f.SetProcess(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(group), os.Mkdir(group, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := f.Record.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(group); err != nil {
		t.Errorf("the other container's cgroup: %v", err)
	}
	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
}
