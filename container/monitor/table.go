package monitor

import (
	"fmt"
	"os"
	"time"

	"github.com/minictr/minictr/runtime/table"
	"golang.org/x/sys/unix"
)

// Descriptors of the monitor: the same numbers before and after each execve(2). A health
// check inherits the first two.
const (
	timerFD   = 64 + iota // expires when it is time for a health check (timerfd_create(2))
	minictrFD             // the program file of minictr that started the monitor
	dirFD                 // the container's directory, locked with flock(2)
	logFD                 // the log, open for appending
	OutputFD              // the container's standard output, or its terminal
	errorFD               // its standard error
	InputFD               // the write end of its standard input; of a terminal the container's end
	processFD             // its process, as a pidfd
	lastFD
)

// idleMonitor is what a monitor does until its container exits.
type idleMonitor struct {
	Ended  []string // arguments of minictr when the container has exited
	Health []string // arguments of minictr for a health check
	Env    []string // environment of both

	Log, Older string // names of the log and of the previous one, in the container's directory
	Maximum    int64  // size of a log, in bytes
}

// become makes this process the idle monitor of the descriptors above. Descriptors that
// are not open are left out. It returns only on error, and needs the main thread.
func (m *idleMonitor) become() error {
	file, err := m.program()
	if err != nil {
		return err
	}
	return execute(file)
}

// sleepThen makes this process one that sleeps, and then executes minictr with args and
// env.
func sleepThen(d time.Duration, args, env []string) error {
	l := newList(sleepLines)
	ts := l.timespec(d)
	// nanosleep(2) writes the remaining time to its second argument
	l.add("sleep", table.Line{Number: unix.SYS_NANOSLEEP, Args: []uint64{ts, ts}}, follow{any: "sleep"})
	l.add("", l.executeMinictr(args, env), follow{any: "sleep"})
	if err := l.end(); err != nil {
		return err
	}
	return execute(l.File())
}

// execute executes a program file that is in memory.
func execute(file []byte) error {
	if tid := unix.Gettid(); tid != unix.Getpid() {
		return fmt.Errorf("execute the monitor: thread %d is not the main thread", tid)
	}
	fd, err := unix.MemfdCreate("minictr-monitor", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if err == unix.EINVAL { // MFD_EXEC is of Linux 6.3
		fd, err = unix.MemfdCreate("minictr-monitor", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return fmt.Errorf("memfd_create: %w", err)
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, file); err != nil {
		return fmt.Errorf("write the monitor's program: %w", err)
	}
	return execveat(fd, []string{"minictr-monitor"})
}

// keepFile duplicates a file to one of the descriptors, without FD_CLOEXEC. A nil file is
// none.
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

// closeFiles closes all descriptors but the directory and the program file.
func closeFiles() {
	for fd := timerFD; fd < lastFD; fd++ {
		if fd != dirFD && fd != minictrFD {
			unix.Close(fd)
		}
	}
}
