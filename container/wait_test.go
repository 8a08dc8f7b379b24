package container

import (
	"os/exec"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/state"
)

// TestWaitForTaskBeingCreated: a command that waits for a container whose process does
// not exist yet waits for that process.
func TestWaitForTaskBeingCreated(t *testing.T) {
	c := &Container{ID: "c", Dir: t.TempDir()}
	testkit.Check(t, c.WriteFile("image", []byte("x")))
	task, err := state.New(c.Dir, TaskDir)
	testkit.Check(t, err)
	defer task.Close()
	sleep := exec.Command("sleep", "100")
	testkit.Check(t, sleep.Start())
	defer sleep.Wait()
	defer sleep.Process.Kill()
	lock, err := lockfile.Try(c.Dir, lockfile.Exclusive) // as its monitor does
	testkit.Check(t, err)
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
	testkit.Check(t, task.SetProcess(sleep.Process.Pid))
	testkit.Check(t, task.Commit())
	// an exit status does not count while the process runs
	testkit.Check(t, c.SaveExitStatus(&ExitStatus{Tasks: 1, ExitCode: 7}))
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
