package table

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// List is a table of system calls with named lines. A line may be named before it is
// added.
type List struct {
	*Program
	size  int // in lines
	lines []line
	wants []argument // by the number that stands for their address
}

// line is a system call, its name, and the lines that follow it.
type line struct {
	Line
	name string
	Follow
}

// Follow names the lines that follow a line: after success, after the result 0, after an
// error. The defaults are the next line, the line after success, and exit.
type Follow struct{ Then, Zero, Else string }

// argument is an argument of a line that another line reads or writes.
type argument struct {
	line   string
	number int
}

// Add adds a line. With a line that follows an error, and no errors in call.Accept, it
// accepts all of them.
func (l *List) Add(name string, call Line, f Follow) {
	if f.Zero == "" {
		f.Zero = f.Then
	}
	if f.Else != "" && call.Accept == nil {
		call.Accept = []unix.Errno{AnyError}
	}
	l.lines = append(l.lines, line{call, name, f})
}

// later marks a number that stands for an argument's address until End knows it. No
// other number of a table has bit 62 without bit 63.
const later = 1 << 62

// Arg returns the address of an argument of a line.
func (l *List) Arg(line string, number int) uint64 {
	l.wants = append(l.wants, argument{line, number})
	return later + uint64(len(l.wants)-1)
}

// NewList returns an empty list for that many lines. The program writes errors to
// standard error.
func NewList(size int) *List { return &List{Program: New(size, unix.Stderr), size: size} }

// End writes the lines into the program.
func (l *List) End() error {
	if len(l.lines) != l.size {
		return fmt.Errorf("a program has %d lines, room for %d", len(l.lines), l.size)
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
		call := line.Line
		call.Then, call.Zero, call.Else = jump(line.Follow.Then), jump(line.Follow.Zero), jump(line.Follow.Else)
		place(&call.To)
		for k := range call.Args {
			place(&call.Args[k])
		}
		if err := l.SetLine(i, call); err != nil {
			return fmt.Errorf("line %d, %s: %w", i, line.name, err)
		}
	}
	return nil
}

// Timespec writes a struct timespec, and returns its address.
func (l *List) Timespec(d time.Duration) uint64 {
	return l.PutWords(uint64(d/time.Second), uint64(d%time.Second))
}
