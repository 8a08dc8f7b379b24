// Package watch makes the smallest process that can look after a container in
// the background.
//
// Somebody has to be the container's parent, who alone learns how it ends
// (wait(2)); to take what it writes, lest it block; and to be there when it is
// time for a check of its health. That is the watcher. There is no daemon: each
// container has its own.
//
// As long as there is something to decide the watcher is minictr itself (the
// command watch). When all that is left is to wait, it executes a table of
// system calls (package runtime/table), which has no more than a few pages of
// memory: this package. It executes minictr again when the container has ended.
// Its number, its children and its descriptors stay the same over execve(2).
//
//	           mmap, prctl
//	wait ────▶ ppoll                  until something happens
//	            ├ the container ended execveat minictr monitor
//	            ├ the timer           clone, and there: execveat minictr health
//	            ├ standard error      read ─┐
//	            └ standard output     read ─┴▶ writev to the log
//
// The log's format and the names of its files are those of container/logs. When
// it has reached its maximum it is renamed, and a new one is begun. Nothing that
// goes wrong with it ever stops the container: what does not fit on the disk is
// left out, a frame at a time.
package monitor

import (
	"fmt"
	"os"
	"time"

	"github.com/minictr/minictr/runtime/table"
	"golang.org/x/sys/unix"
)

// Descriptors of the watcher, by numbers that are the same before and after
// each execve. The health check inherits the first two.
const (
	timerFD   = 64 + iota // tells when to check the container's health (timerfd_create(2))
	minictrFD             // the program file of minictr, as it was when the watcher began
	dirFD                 // the container's, locked by flock(2): who can lock it finds no watcher
	logFD                 // the end of the log
	OutputFD              // the container's standard output, or its terminal
	errorFD               // its standard error
	InputFD               // what it reads; of its terminal the end that it has, to hold it
	processFD             // it, as a pidfd
	lastFD
)

// idleMonitor says what a watcher is to do.
type idleMonitor struct {
	Ended  []string // the arguments to execute minictr with when the container has ended
	Health []string // those of a check of its health
	Env    []string // the environment of both

	Log, Older string // names of the log and of the one before, in the folder
	Maximum    int64  // size of a log, in bytes
}

// become makes this process the watcher, which has the descriptors above; those
// that are not open there, it does without. It returns only if that fails.
//
// It has to be called on the process's first thread: the others do not outlive
// execve(2), and the container dies with the thread that cloned it.
func (w *idleMonitor) become() error {
	file, err := w.program()
	if err != nil {
		return err
	}
	return execute(file)
}

// sleepThen makes this process one that does nothing for d, and then executes
// minictr with args and env.
func sleepThen(d time.Duration, args, env []string) error {
	l := newList(sleepLines)
	ts := l.timespec(d)
	l.add("sleep", table.Line{Number: unix.SYS_NANOSLEEP, Args: []uint64{ts, ts}}, follow{any: "sleep"})
	l.add("", l.executeMinictr(args, env), follow{any: "sleep"})
	if err := l.end(); err != nil {
		return err
	}
	return execute(l.File())
}

// execute becomes the program that is in file.
func execute(file []byte) error {
	if unix.Gettid() != unix.Getpid() {
		return fmt.Errorf("watch: this is thread %d, not the first one of process %d", unix.Gettid(), unix.Getpid())
	}
	fd, err := unix.MemfdCreate("minictr-monitor", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if err == unix.EINVAL { // before Linux 6.3
		fd, err = unix.MemfdCreate("minictr-monitor", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return fmt.Errorf("memfd_create: %w", err)
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, file); err != nil {
		return fmt.Errorf("write the watcher: %w", err)
	}
	return execveat(fd, []string{"minictr-monitor"})
}

// keepFile puts a file, if there is one, under the number of one of the descriptors,
// for good.
func keepFile(f *os.File, number int) error {
	if f == nil {
		return nil
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var dupErr error
	err = raw.Control(func(fd uintptr) { dupErr = unix.Dup3(int(fd), number, 0) })
	if err == nil {
		err = dupErr
	}
	if err != nil {
		return fmt.Errorf("dup3 %s to %d: %w", f.Name(), number, err)
	}
	return nil
}

// closeFiles closes what Keep has kept but for the folder and the program file:
// the container of these streams is gone.
func closeFiles() {
	for fd := timerFD; fd < lastFD; fd++ {
		if fd != dirFD && fd != minictrFD {
			unix.Close(fd)
		}
	}
}
