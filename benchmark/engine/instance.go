package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// instance is a running container.
type instance struct {
	engine    *engine
	id        string
	folder    string
	processes family
	phases    []benchmark.Phase
	answer    benchmark.Answer
}

func (i *instance) Phases() []benchmark.Phase { return i.phases }
func (i *instance) Answer() benchmark.Answer  { return i.answer }
func (i *instance) Processes() []int          { return i.processes.alive() }

func (i *instance) Cgroup() string {
	if pid := i.workload(); pid != 0 {
		return cgroupOf(pid)
	}
	return ""
}

// workload is the process id that it has on the host; 0 if it has ended.
func (i *instance) workload() int {
	for _, pid := range i.Processes() {
		if comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil && string(comm) == filepath.Base(benchmark.Workload)+"\n" {
			return pid
		}
	}
	return 0
}

func (i *instance) Run(ctx context.Context, stdout io.Writer, argv ...string) error {
	return i.engine.do(ctx, stdout, i.engine.exec(i.id, argv...))
}

func (i *instance) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := i.engine.do(ctx, nil, i.engine.remove(i.id))
	return errors.Join(err, i.processes.end(ctx), os.RemoveAll(i.folder))
}

// patience for a container to start, or to go.
const patience = 30 * time.Second

// await runs a command and waits until the workload has answered. returned is
// told when the command has returned too.
func (i *instance) await(ctx context.Context, argv []string, said *os.File) (returned <-chan error, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	named, err := watch(i.folder)
	if err != nil {
		cancel()
		return nil, err
	}
	defer named.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = said

	clock := benchmark.StartClock()
	if err := i.engine.place.start(cmd); err != nil {
		cancel()
		return nil, err
	}
	result := make(chan error, 1)
	go func() {
		err := verdict(cmd, said)
		if err != nil {
			cancel() // no answer will come
		}
		result <- err
	}()
	if err = named.wait(ctx); err == nil {
		err = i.ask(clock)
	}
	if err != nil {
		cmd.Process.Kill() // it may have ended by itself
		cancel()
		return nil, cmp.Or(<-result, err)
	}
	return result, nil
}

// ask ends both phases.
func (i *instance) ask(clock *benchmark.Clock) error {
	answer, first, err := askSocket(i.folder)
	if err != nil {
		return err
	}
	i.answer = answer
	clock.MarkAt("engine", answer.Began())
	clock.MarkAt("first byte", first)
	i.phases = clock.Phases()
	return nil
}
