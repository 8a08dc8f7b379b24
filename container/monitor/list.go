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

// list is a table of system calls with named lines. A line may be named before it is
// added.
type list struct {
	*table.Program
	size  int // in lines
	lines []line
	wants []argument // by the number that stands for their address
}

// line is a system call, its name, and the lines that follow it.
type line struct {
	table.Line
	name string
	follow
}

// follow names the lines that follow a line: after success, after the result 0, after an
// error. The defaults are the next line, the line after success, and exit.
type follow struct{ then, zero, any string }

// argument is an argument of a line that another line reads or writes.
type argument struct {
	line   string
	number int
}

// add adds a line.
func (l *list) add(name string, call table.Line, f follow) {
	if f.zero == "" {
		f.zero = f.then
	}
	if f.any != "" {
		call.Accept = []unix.Errno{table.AnyError}
	}
	l.lines = append(l.lines, line{call, name, f})
}

// later marks a number that stands for an argument's address until end knows it. No
// other number of a table has bit 62 without bit 63.
const later = 1 << 62

// arg returns the address of an argument of a line.
func (l *list) arg(line string, number int) uint64 {
	l.wants = append(l.wants, argument{line, number})
	return later + uint64(len(l.wants)-1)
}

// newList returns an empty list for that many lines. The program writes errors to
// standard error.
func newList(size int) *list { return &list{Program: table.New(size, unix.Stderr), size: size} }

// end writes the lines into the program.
func (l *list) end() error {
	if len(l.lines) != l.size {
		return fmt.Errorf("the monitor's program has %d lines, room for %d", len(l.lines), l.size)
	}
	// number the names
	at := map[string]int{}
	for i, line := range l.lines {
		at[line.name] = i
	}
	// write each line with distances and addresses
	for i, line := range l.lines {
		jump := func(name string) int {
			if name == "" {
				return 0
			}
			return at[name] - (i + 1)
		}
		place := func(w *uint64) {
			if *w>>62 == 1 {
				want := l.wants[*w-later]
				*w = l.Argument(at[want.line], want.number)
			}
		}
		line.Then, line.Zero, line.Else = jump(line.then), jump(line.zero), jump(line.any)
		place(&line.To)
		for k := range line.Args {
			place(&line.Args[k])
		}
		if err := l.SetLine(i, line.Line); err != nil {
			return fmt.Errorf("line %d, %s: %w", i, line.name, err)
		}
	}
	return nil
}

// timespec writes a struct timespec, and returns its address.
func (l *list) timespec(d time.Duration) uint64 {
	return l.PutWords(uint64(d/time.Second), uint64(d%time.Second))
}

// executeMinictr executes the file of minictrFD (execveat(2), AT_EMPTY_PATH).
func (l *list) executeMinictr(args, env []string) table.Line {
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
