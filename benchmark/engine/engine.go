// Package engine has the targets that share this machine's kernel: a plain
// process, and the workload in a container of minictr, runc, crun, podman or
// docker.
//
// All are asked in the same way. The workload answers on a socket in a folder
// that is bound into the container, so that no network has to be made (those of
// the engines differ too much) and none is in the way. The socket gets its
// name when somebody listens behind it, and inotify(7) tells that at once:
// nobody has to try again and again.
//
// All containers run detached, and what stays is what the engine needs to watch
// them; minictr's run in the foreground as well.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/minictr/minictr/benchmark"
)

// A tool is how one engine is told what to do. Each method but the first
// four may rely on what prepare has done.
type tool interface {
	name() string
	available() error
	at(scratch string)           // where it keeps what it has
	version() ([]string, string) // a command, and the word before what is looked for in its output
	prepare(ctx context.Context, s benchmark.Setup) error
	bundle(id, folder string) error          // what is not counted of each start
	run(id, folder string) []string          // folder of the host is /answer inside
	exec(id string, argv ...string) []string // in a running one
	remove(id string) []string               // a running one
	list() []string                          // the ids of all
	store() []string                         // folders on the disk
	close() error
}

// attached is a tool whose command may stay for as long as the container runs.
type attached interface{ foreground() bool }

// Targets are those of this package.
func Targets() []benchmark.Target {
	return []benchmark.Target{
		&process{},
		&engine{tool: &minictr{attached: true}},
		&engine{tool: &minictr{}},
		&engine{tool: &oci{program: "crun", flags: []string{"--cgroup-manager=cgroupfs"}}},
		&engine{tool: &oci{program: "runc"}},
		&engine{tool: &podman{}},
		&engine{tool: &docker{}},
	}
}

// idPrefix begins the name of each container.
const idPrefix = "bench-"

// engine makes a target of a tool.
type engine struct {
	tool
	setup   benchmark.Setup
	place   *place
	daemons family
	count   int
}

func (e *engine) Name() string         { return e.name() }
func (e *engine) Kind() benchmark.Kind { return benchmark.Container }
func (e *engine) Emulated() bool       { return false }
func (e *engine) Processes() []int     { return e.daemons.alive() }
func (e *engine) Disk() (int64, error) { return benchmark.Usage(e.store()...) }

func (e *engine) Available() error {
	if os.Getuid() != 0 {
		return errors.New("only root makes containers")
	}
	return e.available()
}

func (e *engine) Version() string {
	command, word := e.version()
	out, err := exec.Command(command[0], command[1:]...).Output()
	if err != nil {
		return err.Error()
	}
	first, _, _ := strings.Cut(string(out), "\n")
	_, number, _ := strings.Cut(first, word)
	number, _, _ = strings.Cut(strings.TrimSpace(number), ",")
	return number
}

func (e *engine) Prepare(ctx context.Context, s benchmark.Setup) (err error) {
	e.setup = s
	if e.place, err = newPlace(e.tool); err != nil {
		return err
	}
	e.at(s.Scratch)
	before := relatives()
	err = e.prepare(ctx, s)
	e.daemons = relatives().without(before)
	return err
}

func (e *engine) Close() error {
	if e.place != nil {
		e.place.leave()
	}
	return e.close()
}

// waker is a tool that has a daemon.
type waker interface {
	wake(ctx context.Context, s benchmark.Setup) error
}

// Sweep removes the containers that an earlier benchmark has left.
func (e *engine) Sweep(ctx context.Context, s benchmark.Setup) (err error) {
	e.at(s.Scratch)
	if _, err := os.Stat(e.store()[0]); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	e.setup = s
	if e.place, err = newPlace(e.tool); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close(), unmountBelow(s.Scratch), removeCgroups()) }()
	if daemon, ok := e.tool.(waker); ok {
		if err := daemon.wake(ctx, s); err != nil {
			return err
		}
	}
	var ids strings.Builder
	if err := e.do(ctx, &ids, e.list()); err != nil {
		return err
	}
	for _, id := range strings.Fields(ids.String()) {
		if err := e.do(ctx, nil, e.remove(id)); err != nil {
			return err
		}
	}
	return nil
}

// do runs a command that has to succeed.
func (e *engine) do(ctx context.Context, stdout io.Writer, argv []string) error {
	said, err := os.CreateTemp(e.setup.Scratch, "stderr")
	if err != nil {
		return err
	}
	defer os.Remove(said.Name())
	defer said.Close()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = stdout, said
	if err := e.place.start(cmd); err != nil {
		return err
	}
	return verdict(cmd, said)
}

// verdict waits for a command. What it said stands in the error if it failed;
// it was said to a file, since a container may keep that open for as long as it
// lives.
func verdict(cmd *exec.Cmd, said *os.File) error {
	err := cmd.Wait()
	if err == nil {
		return nil
	}
	text := make([]byte, 4096)
	n, _ := said.ReadAt(text, 0)
	return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, text[:n])
}

// Start: the first phase is the engine's, until the workload's main begins; the
// second is the workload's own.
func (e *engine) Start(ctx context.Context) (benchmark.Instance, error) {
	e.count++
	id := fmt.Sprintf("%s%d", idPrefix, e.count)
	folder, err := os.MkdirTemp(e.setup.Scratch, "answer")
	if err != nil {
		return nil, err
	}
	i := &instance{engine: e, id: id, folder: folder}
	if err := e.bundle(id, folder); err != nil {
		return nil, err
	}
	said, err := os.CreateTemp(e.setup.Scratch, "stderr")
	if err != nil {
		return nil, err
	}
	defer os.Remove(said.Name())
	defer said.Close()
	release, err := adopt()
	if err != nil {
		return nil, err
	}
	defer release()
	before := relatives()
	returned, err := i.await(ctx, e.run(id, folder), said)
	if tool, ok := e.tool.(attached); err == nil && !(ok && tool.foreground()) {
		err = <-returned
	}
	if err != nil {
		return nil, errors.Join(err, i.Stop())
	}
	i.processes = relatives().without(before)
	return i, nil
}
