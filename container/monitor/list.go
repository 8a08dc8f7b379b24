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

// list is a table whose lines have names. A line may be named before it is
// there.
type list struct {
	*table.Program
	size  int // in lines
	lines []line
	wants []argument
}

type line struct {
	table.Line
	name string
	follow
}

// follow names the lines that come after one: after success, after the result 0,
// after any error. Without a name the next one follows success, what follows
// success follows 0, and an error is the end.
type follow struct{ then, zero, any string }

// argument is a place in the table that another line writes to or reads.
type argument struct {
	line   string
	number int
}

func (l *list) add(name string, call table.Line, f follow) {
	if f.zero == "" {
		f.zero = f.then
	}
	if f.any != "" {
		call.Accept = []unix.Errno{table.AnyError}
	}
	l.lines = append(l.lines, line{call, name, f})
}

// later marks a number that stands for an argument's address until end knows it.
// No other number of a table has this bit and not the one above it.
const later = 1 << 62

// arg is the address of an argument of a line.
func (l *list) arg(line string, number int) uint64 {
	l.wants = append(l.wants, argument{line, number})
	return later + uint64(len(l.wants)-1)
}

// newList begins a list of that many lines, which says what fails on standard
// error.
func newList(size int) *list { return &list{Program: table.New(size, unix.Stderr), size: size} }

// end writes the lines into the program.
func (l *list) end() error {
	if len(l.lines) != l.size {
		return fmt.Errorf("the watcher has %d lines, and room for %d", len(l.lines), l.size)
	}
	at := map[string]int{}
	for i, line := range l.lines {
		at[line.name] = i
	}
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

func (l *list) timespec(d time.Duration) uint64 {
	return l.PutWords(uint64(d/time.Second), uint64(d%time.Second))
}

// executeMinictr executes minictr by the descriptor of its file.
func (l *list) executeMinictr(args, env []string) table.Line {
	return table.Line{Number: unix.SYS_EXECVEAT, Args: []uint64{
		minictrFD, l.PutString(""), l.PutStrings(args), l.PutStrings(env), unix.AT_EMPTY_PATH,
	}}
}

// execveat executes the file that fd has. It returns only if that fails.
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
