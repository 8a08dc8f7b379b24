package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/internal/owned"
	"golang.org/x/sys/unix"
)

// instance is a running workload.
type instance struct {
	benchmark.Instance
	*engine
	id, dir  string // dir has the socket
	pids     pids
	returned chan result // when the command that made it has returned
}

// result of a command.
type result struct {
	stderr string
	err    error
}

// Start divides a start into two phases: the engine's, until the workload's main
// begins, and the workload's own.
func (e *engine) Start(ctx context.Context) (*benchmark.Instance, error) {
	i, err := e.launch(ctx, e.run)
	if err != nil {
		return nil, err
	}
	i.Instance.Processes = func() []int { return i.pids.alive() }
	i.Instance.Cgroup = func() string { return cgroupOf(i.workload()) }
	i.Instance.Stop = i.stop
	return &i.Instance, nil
}

// launch runs a command that makes a container, and returns when the workload has
// answered, and the command has returned unless it stays in the foreground.
func (e *engine) launch(ctx context.Context, command string) (i *instance, err error) {
	// what is not counted
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	e.count++
	i = &instance{engine: e, id: fmt.Sprint(idPrefix, e.count), returned: make(chan result, 1)}
	if i.dir, err = os.MkdirTemp(e.vars["dir"], "answer"); err != nil {
		return nil, err
	}
	if e.bundle {
		if err := i.writeBundle(); err != nil {
			return nil, err
		}
	}
	created, err := watch(i.dir)
	if err != nil {
		return nil, err
	}
	defer created.Close()
	i.vars["id"], i.vars["answer"] = i.id, i.dir
	cmd, err := benchmark.NewCommand(context.Background(), i.command(command)...)
	if err != nil {
		return nil, err
	}
	// not for longer: libvirt, for one, relies on an init that reaps at once
	if err := subreaper(1); err != nil {
		return nil, err
	}
	defer subreaper(0)
	before := descendants()

	// the start
	clock := benchmark.StartClock()
	if err := e.thread.start(cmd); err != nil {
		return nil, err
	}
	go func() {
		stderr, err := cmd.Wait()
		if err != nil {
			cancel() // there will be no answer
		}
		i.returned <- result{stderr, err}
	}()
	if err = waitForName(ctx, created); err == nil {
		err = i.ask(ctx, clock)
	}

	// what is left
	if err != nil {
		cmd.Process.Kill() // unless it has ended by itself
		err = cmp.Or((<-i.returned).err, err)
	} else if !e.foreground {
		err = (<-i.returned).err
	}
	i.pids = descendants().without(before)
	if err != nil {
		return nil, errors.Join(err, i.stop())
	}
	return i, nil
}

// subreaper makes the benchmark the parent of daemons, or no longer.
func subreaper(on uintptr) error {
	return os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, on, 0, 0, 0))
}

// ask ends both phases.
func (i *instance) ask(ctx context.Context, clock *benchmark.Clock) error {
	i.Instance.Address = "unix:" + filepath.Join(i.dir, socket)
	answer, first, err := benchmark.Ask(ctx, i.Instance.Address)
	if err != nil {
		return err
	}
	phase := "engine"
	if i.facts.Kind == benchmark.Process {
		phase = "fork, exec"
	}
	clock.Mark(phase, answer.Began())
	clock.Mark("first byte", first)
	i.Instance.Phases, i.Instance.Answer = clock.Phases, answer
	return nil
}

// workload returns its process id on the host; 0 if it has ended.
func (i *instance) workload() int {
	for _, pid := range i.pids.alive() {
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if string(comm) == "workload\n" {
			return pid
		}
	}
	return 0
}

func (i *instance) kill() error {
	pid := i.workload()
	if pid == 0 {
		return errors.New("the workload has exited")
	}
	return os.NewSyscallError("kill", unix.Kill(pid, unix.SIGKILL))
}

func (i *instance) stop() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if i.remove == "" {
		err = i.kill()
	} else {
		i.vars["id"] = i.id
		_, err = i.do(ctx, i.remove)
	}
	return errors.Join(err, i.pids.wait(ctx), owned.RemoveAll(i.dir))
}

// watch returns a descriptor that reports names in a directory (inotify(7)).
func watch(dir string) (*os.File, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	_, err = unix.InotifyAddWatch(fd, dir, unix.IN_MOVED_TO)
	return os.NewFile(uintptr(fd), "inotify"), os.NewSyscallError("inotify_add_watch", err)
}

// waitForName returns when a file was renamed to a name in the directory, or ctx ends.
func waitForName(ctx context.Context, created *os.File) error {
	defer context.AfterFunc(ctx, func() { created.SetReadDeadline(time.Now()) })()
	if _, err := created.Read(make([]byte, unix.SizeofInotifyEvent+unix.NAME_MAX+1)); err != nil {
		return fmt.Errorf("wait for the workload to listen: %w", err)
	}
	return nil
}
