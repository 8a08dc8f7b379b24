package validation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// limit is the timeout of a program. The longest sleeps some 13 s.
const limit = 90 * time.Second

// outcome is the result of a program.
type outcome struct {
	Program, Verdict string
	Output           string // standard output and error
	Took             time.Duration
}

// bench is where programs run.
type bench struct {
	programs string // directory of the programs, runtimetest and the root's archive
	runtime  string // the command they call
	group    string // cgroup above theirs
	scratch  string // directory above theirs

	controllers bool // enable controllers for them
}

// setUp is run by a shell in new mount and cgroup namespaces, in a cgroup that
// is the root of the tree from here on: no process may stay there, or it could
// not enable controllers (cgroups(7), "no internal processes").
const setUp = `
umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -t tmpfs run /run &&
mkdir /sys/fs/cgroup/suite && echo 0 >/sys/fs/cgroup/suite/cgroup.procs && exec "$0"`

// all runs every program, atOnce at a time; want returns its expected verdict. Some
// programs race with what they test (killsig signals a shell that may not have set its
// trap): another verdict counts at the third run.
func (b *bench) all(atOnce int, want func(program string) string) (outcomes []outcome, err error) {
	names, err := programs(b.programs)
	if err != nil {
		return nil, err
	}
	if err := b.makeCgroup(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cgroup.Remove(b.group)) }()
	outcomes = make([]outcome, len(names))
	problems := make([]error, len(names))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, p := range names {
		group.Go(func() error { outcomes[i], problems[i] = b.run(p); return nil })
	}
	group.Wait()
	for i, p := range names {
		for again := 0; again < 2 && want(p) != "" && !agree(want(p), outcomes[i].Verdict) &&
			problems[i] == nil; again++ {
			outcomes[i], problems[i] = b.run(p)
		}
	}
	return outcomes, errors.Join(problems...)
}

// makeCgroup makes the cgroup above the programs', with or without controllers.
func (b *bench) makeCgroup() error {
	mount, err := cgroup.Mount()
	if err != nil {
		return err
	}
	if b.group, err = os.MkdirTemp(mount, "validation"); err != nil {
		return err
	}
	if !b.controllers {
		return nil
	}
	for _, group := range []string{mount, b.group} {
		for _, controller := range cgroup.Available(group) {
			if err := os.WriteFile(filepath.Join(group, "cgroup.subtree_control"), []byte("+"+controller),
				0); err != nil {
				return err
			}
		}
	}
	return nil
}

// run runs a program. An error is the bench's, not the program's.
func (b *bench) run(program string) (o outcome, err error) {
	group, dir := filepath.Join(b.group, program), filepath.Join(b.scratch, program)
	if err := errors.Join(os.Mkdir(group, 0o755), os.Mkdir(dir, 0o755)); err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	defer func() { err = errors.Join(err, cgroup.Remove(group)) }()
	fd, err := unix.Open(group, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return o, fmt.Errorf("open %s: %w", group, err)
	}
	defer unix.Close(fd)

	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", setUp, "./"+program)
	cmd.Dir = b.programs
	cmd.Env = append(os.Environ(), "RUNTIME="+b.runtime, "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd,
		Unshareflags: unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP}
	cmd.WaitDelay = time.Second // a container may have kept standard error
	var stdout strings.Builder
	var both output
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&stdout, &both), &both
	began := time.Now()
	err = cmd.Run()
	o = outcome{Program: program, Output: both.String(), Took: time.Since(began)}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		o.Verdict = verdict(stdout.String(), "time-out")
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		o.Verdict = verdict(stdout.String(), "")
	case errors.As(err, &exit):
		o.Verdict = verdict(stdout.String(), fmt.Sprintf("exit %d", exit.ExitCode()))
	default:
		return o, err
	}
	return o, nil
}

// output is what several writers have written.
type output struct {
	strings.Builder
	lock sync.Mutex
}

func (o *output) Write(p []byte) (int, error) {
	o.lock.Lock()
	defer o.lock.Unlock()
	return o.Builder.Write(p)
}
