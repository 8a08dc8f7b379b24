package monitor

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

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
	program, err := m.program()
	if err != nil {
		return err
	}
	return execute(program)
}

// sleepThen makes this process one that sleeps, and then executes minictr with args and
// env.
func sleepThen(d time.Duration, args, env []string) error {
	l := table.NewList(sleepLines)
	ts := l.Timespec(d)
	// nanosleep(2) writes the remaining time to its second argument
	l.Add("sleep", table.Line{Number: unix.SYS_NANOSLEEP, Args: []uint64{ts, ts}}, table.Follow{Else: "sleep"})
	l.Add("", executeMinictr(l, args, env), table.Follow{Else: "sleep"})
	if err := l.End(); err != nil {
		return err
	}
	return execute(l.Program)
}

// execute executes a program.
func execute(program *table.Program) error {
	if tid := unix.Gettid(); tid != unix.Getpid() {
		return fmt.Errorf("execute the monitor: thread %d is not the main thread", tid)
	}
	file, err := program.Memfd("minictr-monitor")
	if err != nil {
		return err
	}
	defer file.Close()
	return execveat(int(file.Fd()), []string{"minictr-monitor"})
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

// executeMinictr is the call that executes the file of minictrFD (execveat(2), AT_EMPTY_PATH).
func executeMinictr(l *table.List, args, env []string) table.Line {
	return table.Line{Number: unix.SYS_EXECVEAT, Args: []uint64{
		minictrFD, l.PutString(""), l.PutStrings(args), l.PutStrings(env), unix.AT_EMPTY_PATH,
	}}
}

// execveat executes an open file, without environment. It returns only on error.
func execveat(fd int, args []string) error {
	argv, err := syscall.SlicePtrFromStrings(args)
	if err != nil {
		return err
	}
	envp := []*byte{nil}
	empty := []byte{0}
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])),
		uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envp[0])), unix.AT_EMPTY_PATH, 0)
	runtime.KeepAlive(argv)
	return os.NewSyscallError("execveat", errno)
}
