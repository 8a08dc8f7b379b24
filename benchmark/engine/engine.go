package engine

import (
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
	"github.com/minictr/minictr/internal/owned"
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
	stop    func() error      // of the tool's daemon, or nil
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
		if _, err := e.do(ctx, e.load); err != nil {
			return err
		}
	}
	e.daemons = descendants().without(before)

	// the version
	if e.version == "" {
		return nil
	}
	out, err := benchmark.Run(ctx, e.words(e.version)...)
	if match := regexp.MustCompile(`^\S+ (?:version )?([^,\n]*)`).FindStringSubmatch(out); match != nil {
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
	if _, err := benchmark.Run(ctx, "cp", s.Minictr, s.Scratch); err != nil {
		return err
	}
	_, err := benchmark.Run(ctx, filepath.Join(s.Source, "scripts/bench-image"), s.Workload, s.Scratch, address)
	return err
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
	if e.stop, err = benchmark.StartDaemon(log, e.words(e.daemon)...); err != nil {
		return err
	}
	return benchmark.Poll(ctx, 100*time.Millisecond, func() error {
		_, err := e.do(ctx, "version")
		return err
	})
}

func (e *engine) Close() (err error) {
	if e.vars == nil {
		return nil
	}
	if e.unload != "" {
		_, err = e.do(context.Background(), e.unload)
	}
	if e.stop != nil {
		err = errors.Join(err, e.stop())
	}
	e.thread.end()
	return errors.Join(err, unmountBelow(e.vars["dir"]), owned.RemoveAll(e.vars["state"]))
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
	ids, err := e.do(ctx, e.list)
	for _, id := range strings.Fields(ids) {
		e.vars["id"] = id
		_, failed := e.do(ctx, e.remove)
		err = errors.Join(err, failed)
	}
	return err
}

// do runs words of the tool's client, which have to succeed. It returns what they print.
func (e *engine) do(ctx context.Context, words string) (string, error) {
	cmd, err := benchmark.NewCommand(ctx, e.command(words)...)
	if err != nil {
		return "", err
	}
	return cmd.Output(e.thread.start)
}

// unmountBelow unmounts what an engine has left in its directory.
func unmountBelow(dir string) error {
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	for _, m := range slices.Backward(mounts) { // the innermost first
		err = cmp.Or(err, os.NewSyscallError("umount "+m.Mountpoint, unix.Unmount(m.Mountpoint, 0)))
	}
	return err
}
