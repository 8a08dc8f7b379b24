// Core 4 of 28: a step: one system call
//
// A system call takes a number, which call it is, and up to six arguments of one machine
// word each. A word is a number, or the address of memory: a string, an array, a struct.
// It returns a word; a number from -4095 to -1 is an error.
//
// Two things are not known when a step is written down, and are filled in when it is
// made: the results of earlier steps, by their names (Ref), and addresses. Package walk
// lays out the memory before it makes the first call.

package plan

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/internal/printable"
	"golang.org/x/sys/unix"
)

// Side is the process that makes a call.
type Side uint8

const (
	Host         Side = iota // minictr's own process
	Intermediate             // a child that joins namespaces, and makes the container's process
	Helper                   // a child that only waits: what it holds is needed for a while
	Container                // the child that becomes the container, from clone3 on
	Trampoline               // the same process, in the small program that makes the last steps
	Caller                   // minictr's own process, before the walk: its steps are made already
	Sides                    // the number of sides
)

func (s Side) String() string {
	return [...]string{"host", "intermediate", "helper", "container", "trampoline", "host"}[s]
}

// Step is one system call of a plan.
type Step struct {
	Side   Side
	Name   string  // the call's name in the manual: "openat2"
	Number uintptr // its number on this architecture
	Args   []Arg   // at most six

	Child  Side   // of clone3 and execveat: the side that begins here
	Result string // what later steps call the returned value; "" for nothing
	If     Ref    // make the call only if this earlier result exists
	Unless Ref    // make the call only if it does not; if Result has the same name, it keeps its value

	// Accept holds the errors that are as good as success, such as EEXIST for a
	// directory that should exist. The step then has no result, and later steps that
	// use its result are left out.
	Accept []unix.Errno

	// Expect is what the call must have written to memory for the step to succeed.
	Expect *Expect

	// Returns is where in memory the call writes the step's result; nil if the result is
	// the value that the call returns.
	Returns *Place

	// Hints say what to do when the step fails, by errno; 0 is any other errno.
	Hints []Hint

	Part string // the part of the plan: "root", "attach"
	From string // the field of the config that asks for it: "mounts[2]"
	Why  string // one sentence for the reader
}

// Syscall returns a step that makes the call of this name and number.
func Syscall(name string, number uintptr, args ...Arg) Step {
	return Step{Name: name, Number: number, Args: args}
}

// As names the step's result.
func (s Step) As(r Ref) Step { s.Result = string(r); return s }

// Allow adds errors that are as good as success.
func (s Step) Allow(e ...unix.Errno) Step { s.Accept = append(s.Accept, e...); return s }

// When makes the step depend on an earlier result being there.
func (s Step) When(r Ref) Step { s.If = r; return s }

// WhenNot makes the step depend on an earlier result being absent.
func (s Step) WhenNot(r Ref) Step { s.Unless = r; return s }

// Hint adds what to do when the step fails with e, or with 0 for every other errno.
func (s Step) Hint(e unix.Errno, text string) Step {
	s.Hints = append(s.Hints, Hint{e, text})
	return s
}

// Hint is advice for a step that has failed with Errno.
type Hint struct {
	Errno unix.Errno
	Text  string
}

// Expect is a check of memory that a call has filled: the 64-bit word at Offset, in bytes,
// of the struct that argument Arg points to, AND Mask, must be Value (or must not, with
// Not). Otherwise the step fails with EPERM.
type Expect struct {
	Arg, Offset int
	Mask, Value uint64
	Not         bool
}

// Place is the 32-bit word at Offset, in bytes, of the struct that argument Arg points to.
type Place struct{ Arg, Offset int }

// Call returns the step as strace(1) would print it, with names for results:
// `openat2(AT_FDCWD, "/proc", {O_PATH}) = @target`.
func (s *Step) Call() string {
	var b strings.Builder
	b.WriteString(s.Name)
	b.WriteByte('(')
	for i, a := range s.Args {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(short(a))
	}
	b.WriteByte(')')
	if s.Result != "" {
		b.WriteString(" = @")
		b.WriteString(s.Result)
	}
	return b.String()
}

// Arg is an argument: [Num], [Str], [Strs], [Ref], [*Mem] or [Program].
type Arg interface{ String() string }

// Num is a number, with the name that the manual has for it ("AT_FDCWD").
type Num struct {
	Value uint64
	Text  string // printed instead of the number unless empty
}

func (n Num) String() string {
	if n.Text != "" {
		return n.Text
	}
	return strconv.FormatInt(int64(n.Value), 10)
}

// Int returns a word that is printed as a number.
func Int[T ~int | ~uint32 | ~uint64 | ~int64 | ~uintptr](n T) Num { return Num{Value: uint64(n)} }

// Named returns a word that is printed by its name.
func Named[T ~int | ~uint32 | ~uint64 | ~int64 | ~uintptr](n T, name string) Num {
	return Num{uint64(n), name}
}

// Null is the null pointer.
var Null = Num{0, "NULL"}

// Str is the address of a NUL-terminated string. On the host side a result in a path of
// procfs, as in "/proc/@pid/uid_map", stands for the number of that process.
type Str string

func (s Str) String() string { return printable.Quote(string(s)) }

// Strs is the address of a NULL-terminated array of strings: argv, envp.
type Strs []string

func (s Strs) String() string {
	q := make([]string, len(s))
	for i := range s {
		q[i] = printable.Quote(s[i])
	}
	return "[" + strings.Join(q, ", ") + "]"
}

// Ref is the result of the nearest earlier step that has this name, or a descriptor that
// the caller hands to package walk under this name.
type Ref string

func (r Ref) String() string { return "@" + string(r) }

// Mem is the address of a struct: its bytes, and those fields of it that are known only
// later: addresses of other memory, and, on the host side, results of earlier steps.
type Mem struct {
	Bytes  []byte
	Fields []Field
	Text   string // how strace would print it: "{flags=O_PATH}"
}

// Field is an argument inside a struct.
type Field struct {
	Offset, Size int // in bytes; the size is 4 or 8
	Arg          Arg
}

func (m *Mem) String() string { return m.Text }

// Words returns a struct of 64-bit fields.
func Words(text string, vs ...uint64) *Mem {
	m := &Mem{Text: text}
	for _, v := range vs {
		m.Bytes = binary.NativeEndian.AppendUint64(m.Bytes, v)
	}
	return m
}

// With puts arg into the 64-bit field at offset.
func (m *Mem) With(offset int, arg Arg) *Mem {
	m.Fields = append(m.Fields, Field{offset, 8, arg})
	return m
}

// With32 puts arg into the 32-bit field at offset.
func (m *Mem) With32(offset int, arg Arg) *Mem {
	m.Fields = append(m.Fields, Field{offset, 4, arg})
	return m
}

// Program is the address of the executable file that makes the calls of side Trampoline,
// or its size in bytes. Package walk makes the file: it alone knows the values of all
// arguments.
type Program bool

const (
	ProgramFile Program = false
	ProgramSize Program = true
)

func (p Program) String() string { return "…" }

// short returns the argument's text. A long list of strings, such as an environment, is
// cut: Call returns one line.
func short(a Arg) string {
	text := a.String()
	if _, list := a.(Strs); list && len(text) > listWidth {
		return Fold(text, listWidth) + "]"
	}
	return text
}

// Fold cuts a text after max bytes.
func Fold(s string, max int) string {
	if len(s) <= max {
		return s
	}
	return fmt.Sprintf("%s…", strings.ToValidUTF8(s[:max], ""))
}
