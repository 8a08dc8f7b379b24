package container

import (
	"os/exec"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/state"
)

// TestWaitForTaskBeingCreated: a command that waits for a container whose process does
// not exist yet waits for that process.
func TestWaitForTaskBeingCreated(t *testing.T) {
	c := &Container{ID: "c", Dir: t.TempDir()}
	if err := c.WriteFile("image", []byte("x")); err != nil {
		t.Fatal(err)
	}
	task, err := state.New(c.Dir, TaskDir)
	if err != nil {
		t.Fatal(err)
	}
	defer task.Close()
	sleep := exec.Command("sleep", "100")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer sleep.Wait()
	defer sleep.Process.Kill()
	lock, err := lockfile.Try(c.Dir, lockfile.Exclusive) // as its monitor does
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()

	type answer struct {
		end *ExitStatus
		err error
	}
	answers := make(chan answer)
	go func() {
		exit, err := c.WaitExit()
		answers <- answer{exit, err}
	}()
	time.Sleep(50 * time.Millisecond)
	if err := task.SetProcess(sleep.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if err := task.Commit(); err != nil {
		t.Fatal(err)
	}
	// an exit status does not count while the process runs
	if err := c.SaveExitStatus(&ExitStatus{Tasks: 1, ExitCode: 7}); err != nil {
		t.Fatal(err)
	}
	select {
	case a := <-answers:
		t.Fatalf("%+v, before the process exited", a)
	case <-time.After(100 * time.Millisecond):
	}
	sleep.Process.Kill()
	if a := <-answers; a.err != nil || a.end.ExitCode != 7 {
		t.Errorf("%+v, %v", a.end, a.err)
	}
}
