package validation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// limit is how long a program may take. The longest sleep some 13 s.
const limit = 90 * time.Second

// outcome is what became of a program.
type outcome struct {
	Program, Verdict string
	Output           string // all that it printed
	Took             time.Duration
}

// bench is where programs run.
type bench struct {
	programs string // folder of the programs, runtimetest and the root's archive
	runtime  string // the command they call
	group    string // cgroup above theirs
	scratch  string // folder above theirs

	controllers bool // hand controllers down to them
}

// setUp is run by a shell in new mount and cgroup namespaces, in a cgroup that
// is the root of the tree from here on: no process may stay there, or it could
// not hand controllers down (cgroups(7), "no internal processes").
const setUp = `
umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -t tmpfs run /run &&
mkdir /sys/fs/cgroup/suite && echo 0 >/sys/fs/cgroup/suite/cgroup.procs && exec "$0"`

// all runs every program, so many at a time. want tells the verdict that is
// expected of one. As some race with what they test (killsig sends a signal to
// a shell that may not have set its trap), a surprise has to come three times.
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
	places := make(chan struct{}, atOnce)
	var wait sync.WaitGroup
	for i, p := range names {
		wait.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			outcomes[i], problems[i] = b.run(p)
		})
	}
	wait.Wait()
	for i, p := range names {
		for again := 0; again < 2 && want(p) != "" && !agree(want(p), outcomes[i].Verdict) &&
			problems[i] == nil; again++ {
			outcomes[i], problems[i] = b.run(p)
		}
	}
	return outcomes, errors.Join(problems...)
}

// makeCgroup makes the cgroup above the programs'. Without controllers nothing is
// handed down to it, whatever the machine has.
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

// run runs one. An error is not the program's: the bench could not be made, or
// not be taken away.
func (b *bench) run(program string) (o outcome, err error) {
	group, folder := filepath.Join(b.group, program), filepath.Join(b.scratch, program)
	if err := errors.Join(os.Mkdir(group, 0o755), os.Mkdir(folder, 0o755)); err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
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
	cmd.Env = append(os.Environ(), "RUNTIME="+b.runtime, "TMPDIR="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd,
		Unshareflags: unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP}
	cmd.WaitDelay = time.Second // a container may have kept standard error
	var stdout, both strings.Builder
	var lock sync.Mutex
	cmd.Stdout = &tee{&lock, []*strings.Builder{&stdout, &both}}
	cmd.Stderr = &tee{&lock, []*strings.Builder{&both}}
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

// tee writes to several, one write at a time.
type tee struct {
	lock *sync.Mutex
	to   []*strings.Builder
}

func (t *tee) Write(p []byte) (int, error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	for _, b := range t.to {
		b.Write(p)
	}
	return len(p), nil
}
