package engine

import (
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"

	"github.com/minictr/minictr/benchmark"
)

// process is the workload as a child of the benchmark, with nothing around it:
// what fork(2) and execve(2) alone take.
type process struct{ setup benchmark.Setup }

func (p *process) Name() string         { return "fork+exec" }
func (p *process) Kind() benchmark.Kind { return benchmark.Process }
func (p *process) Available() error     { return nil }
func (p *process) Version() string      { return runtime.Version() }
func (p *process) Emulated() bool       { return false }
func (p *process) Processes() []int     { return nil }
func (p *process) Disk() (int64, error) { return benchmark.Usage(p.setup.Workload) }
func (p *process) Close() error         { return nil }

func (p *process) Prepare(_ context.Context, s benchmark.Setup) error {
	p.setup = s
	return nil
}

func (p *process) Start(ctx context.Context) (benchmark.Instance, error) {
	folder, err := os.MkdirTemp(p.setup.Scratch, "answer")
	if err != nil {
		return nil, err
	}
	named, err := watch(folder)
	if err != nil {
		return nil, err
	}
	defer named.Close()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	c := &child{process: p, folder: folder}
	c.cmd = exec.Command(p.setup.Workload, "serve", "unix:"+folder+"/"+socket)
	c.cmd.SysProcAttr = benchmark.Tied()
	clock := benchmark.StartClock()
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if err := named.wait(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	answer, first, err := askSocket(folder)
	if err != nil {
		c.Stop()
		return nil, err
	}
	c.answer = answer
	clock.MarkAt("fork, exec", answer.Began())
	clock.MarkAt("first byte", first)
	c.phases = clock.Phases()
	return c, nil
}

// child is a running workload.
type child struct {
	process *process
	folder  string
	cmd     *exec.Cmd
	phases  []benchmark.Phase
	answer  benchmark.Answer
}

func (c *child) Phases() []benchmark.Phase { return c.phases }
func (c *child) Answer() benchmark.Answer  { return c.answer }
func (c *child) Processes() []int          { return []int{c.cmd.Process.Pid} }
func (c *child) Cgroup() string            { return "" }

func (c *child) Run(ctx context.Context, stdout io.Writer, argv ...string) error {
	cmd := exec.CommandContext(ctx, c.process.setup.Workload, argv[1:]...)
	cmd.Stdout, cmd.Stderr = stdout, os.Stderr
	return cmd.Run()
}

func (c *child) Stop() error {
	if err := c.cmd.Process.Kill(); err != nil {
		return err
	}
	c.cmd.Wait() // it was killed: that is no news
	return os.RemoveAll(c.folder)
}
