package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// idPrefix begins the name of each container.
const idPrefix = "bench-"

// timeout for a container to start, or to end.
const timeout = 30 * time.Second

// engine is the target of a tool.
type engine struct {
	tool
	facts   benchmark.Facts
	vars    map[string]string // of the tool's commands
	thread  *thread           // which starts commands
	server  *benchmark.Daemon
	daemons pids
	count   int // of containers
}

// Targets returns those of this package.
func Targets() (list []benchmark.Target) {
	for _, t := range tools() {
		facts := benchmark.Facts{Name: t.name, Kind: benchmark.Container}
		if t.remove == "" {
			facts.Kind, facts.Version = benchmark.Process, runtime.Version()
		}
		list = append(list, &engine{tool: t, facts: facts})
	}
	return list
}

func (e *engine) Facts() benchmark.Facts { return e.facts }
func (e *engine) Processes() []int       { return e.daemons.alive() }
func (e *engine) Disk() (int64, error)   { return benchmark.Usage(e.words(e.store)...) }

func (e *engine) Available() error {
	if e.facts.Kind == benchmark.Container && os.Getuid() != 0 {
		return errors.New("only root makes containers")
	}
	return benchmark.Installed(strings.Fields(e.programs)...)
}

// words splits a command, and then replaces its variables.
func (e *engine) words(command string) []string {
	words := strings.Fields(command)
	for i, word := range words {
		words[i] = os.Expand(word, func(name string) string { return e.vars[name] })
	}
	return words
}

// command is words of the tool's client.
func (e *engine) command(words string) []string { return e.words(e.client + " " + words) }

// open sets the variables, and starts the thread.
func (e *engine) open(s benchmark.Setup) (err error) {
	state := "/run/" + strings.ReplaceAll(strings.Trim(s.Scratch, "/"), "/", "-")
	e.vars = map[string]string{"dir": s.Scratch, "state": state, "workload": s.Workload}
	if e.bundle && !benchmark.Cgroup2Alone() {
		e.thread, err = newThread(mountCgroup2)
	}
	return err
}

func (e *engine) Prepare(ctx context.Context, s benchmark.Setup) error {
	// files
	if err := e.open(s); err != nil {
		return err
	}
	if err := e.fill(ctx, s); err != nil {
		return err
	}

	// daemons, and the image
	before := descendants()
	if err := e.startDaemon(ctx, s.Log); err != nil {
		return err
	}
	if e.load != "" {
		if err := e.do(ctx, nil, e.command(e.load)); err != nil {
			return err
		}
	}
	e.daemons = descendants().without(before)

	// the version
	if e.version == "" {
		return nil
	}
	var out bytes.Buffer
	err := e.do(ctx, &out, e.words(e.version))
	if match := regexp.MustCompile(`^\S+ (?:version )?([^,\n]*)`).FindStringSubmatch(out.String()); match != nil {
		e.facts.Version = match[1]
	}
	return err
}

// fill makes the files of the scratch directory.
func (e *engine) fill(ctx context.Context, s benchmark.Setup) error {
	if e.facts.Kind == benchmark.Process {
		return nil
	}
	if e.bundle {
		if err := os.MkdirAll(e.vars["state"], 0o755); err != nil {
			return err
		}
	}
	// A copy: the pages of a file that the linker has just written are mapped more
	// slowly than those of an installed one.
	if err := benchmark.Run(ctx, nil, "cp", s.Minictr, s.Scratch); err != nil {
		return err
	}
	return benchmark.Run(ctx, nil, filepath.Join(s.Source, "scripts/bench-image"), s.Workload, s.Scratch, address)
}

// startDaemon starts it and waits until it answers. It restores the containers
// of an earlier one, which may have to end first.
func (e *engine) startDaemon(ctx context.Context, log io.Writer) (err error) {
	if e.daemon == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*timeout)
	defer cancel()
	text, _ := os.ReadFile(e.vars["dir"] + "/docker.pid") // removed when it ends
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		if err := (pids{pid}).wait(ctx); err != nil {
			return err
		}
	}
	if e.server, err = benchmark.StartDaemon(log, e.words(e.daemon)...); err != nil {
		return err
	}
	version := func() error { return e.do(ctx, nil, e.command("version")) }
	return benchmark.Poll(ctx, 100*time.Millisecond, version)
}

func (e *engine) Close() (err error) {
	if e.vars == nil {
		return nil
	}
	if e.unload != "" {
		err = e.do(context.Background(), nil, e.command(e.unload))
	}
	if e.server != nil {
		err = errors.Join(err, e.server.Stop())
	}
	e.thread.end()
	return errors.Join(err, unmountBelow(e.vars["dir"]), os.RemoveAll(e.vars["state"]))
}

// Recover removes containers, with their mounts and cgroups.
func (e *engine) Recover(ctx context.Context, s benchmark.Setup) (err error) {
	if err := e.open(s); err != nil || e.list == "" {
		return err
	}
	if _, err := os.Stat(e.words(e.store)[0]); errors.Is(err, os.ErrNotExist) {
		e.thread.end()
		return nil
	}
	defer removeCgroups()
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := e.startDaemon(ctx, s.Log); err != nil {
		return err
	}
	var ids bytes.Buffer
	if err := e.do(ctx, &ids, e.command(e.list)); err != nil {
		return err
	}
	for _, id := range strings.Fields(ids.String()) {
		if err := e.do(ctx, nil, (&instance{engine: e, id: id}).command(e.remove)); err != nil {
			return err
		}
	}
	return nil
}

// do runs a command that has to succeed.
func (e *engine) do(ctx context.Context, stdout io.Writer, argv []string) error {
	cmd, err := benchmark.NewCommand(ctx, argv...)
	if err != nil {
		return err
	}
	cmd.Stdout = stdout
	if err := e.thread.start(cmd); err != nil {
		return err
	}
	_, err = cmd.Wait()
	return err
}

// unmountBelow unmounts what an engine has left in its directory.
func unmountBelow(dir string) error {
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	for _, m := range slices.Backward(mounts) { // the innermost first
		err = cmp.Or(err, os.NewSyscallError("umount "+m.Mountpoint, unix.Unmount(m.Mountpoint, 0)))
	}
	return err
}
