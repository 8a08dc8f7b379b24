// Core 4 of 28: a step: one system call

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
	Host         Side = iota // the process that you started
	Intermediate             // a child that joins a user namespace, and clones from there
	UsernsHelper             // a child whose user namespace maps ids (oci_idmap.go)
	Container                // the child that becomes the container, from clone3 on
	Trampoline               // the same process, after it has left this program (execve.go)
	Sides                    // how many there are
)

func (s Side) String() string {
	return [...]string{"host", "intermediate", "helper", "container", "trampoline"}[s]
}

// Step is one system call of a plan.
type Step struct {
	Side   Side
	Name   string  // the call's name in the manual: "openat2"
	Number uintptr // its number on this architecture
	Args   []Arg   // at most six

	Child  Side   // of clone3 and execveat: the side that starts here
	Result string // the name by which later steps use the returned value; "" for none
	If     Ref    // make the call only if this earlier result exists
	Unless Ref    // make the call only if it does not exist; if Result is the same name, either value is meant

	// Accept holds errors that do not fail the step, such as EEXIST for a directory
	// that should exist. The step then has no result, and steps that use it are
	// skipped.
	Accept []unix.Errno

	// Expect is what the call must have written for the step to succeed.
	Expect *Expect

	// Returns is where the call writes its result, where that is not the value
	// that it returns. As there, a number from -4095 to -1 is an error.
	Returns *Place

	// Hints say what to do when the step fails, by errno; 0 is any other errno.
	Hints []Hint

	Part string // the part of the plan: "root", "sources"
	From string // the field of the config that asks for it: "mounts[2]"
	Why  string // the reason, for the reader
}

// Syscall returns a step that makes the call of this name and number.
func Syscall(name string, number uintptr, args ...Arg) Step {
	return Step{Name: name, Number: number, Args: args}
}

// As names the step's result.
func (s Step) As(r Ref) Step { s.Result = string(r); return s }

// Allow adds errors that do not fail the step.
func (s Step) Allow(e ...unix.Errno) Step { s.Accept = append(s.Accept, e...); return s }

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

// When makes the step depend on an earlier result.
func (s Step) When(r Ref) Step { s.If = r; return s }

// WhenNot makes the step depend on the absence of an earlier result.
func (s Step) WhenNot(r Ref) Step { s.Unless = r; return s }

// Expect is a check of memory that a call has filled: the 64-bit word at
// Offset of argument Arg, under Mask, must be Value (or must not, with Not).
// Otherwise the step fails with EPERM.
type Expect struct {
	Arg, Offset int
	Mask, Value uint64
	Not         bool
}

// Place is the 32-bit word at Offset of argument Arg.
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

// Arg is an argument: [Num], [Str], [Strs], [Ref] or [*Mem]. A system call
// takes at most six, each one machine word: a number, or the address of
// memory that is laid out before the first call is made.
type Arg interface{ String() string }

// Num is a plain word, with the name a reader knows it by ("AT_FDCWD").
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

// Int is a word that is printed as a number.
func Int[T ~int | ~uint32 | ~uint64 | ~int64 | ~uintptr](n T) Num { return Num{Value: uint64(n)} }

// Named is a word that is printed by its name.
func Named[T ~int | ~uint32 | ~uint64 | ~int64 | ~uintptr](n T, name string) Num {
	return Num{uint64(n), name}
}

// Null is the null pointer.
var Null = Num{0, "NULL"}

// Str is the address of a NUL-terminated string. On the host side the name of
// a process behind /proc, as in "/proc/@pid/uid_map", stands for its number.
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

// Ref stands for the result of the nearest earlier step that has this name,
// or for a descriptor that the caller hands to package walk under this name.
type Ref string

func (r Ref) String() string { return "@" + string(r) }

// Mem is the address of a struct: its bytes, and the fields of it that are
// known only later: addresses of other memory, and, on the host side, results
// of earlier steps.
type Mem struct {
	Bytes  []byte
	Fields []Field
	Text   string // how strace would print it: "{flags=O_PATH}"
}

// Field is an argument that stands inside a struct.
type Field struct {
	Offset, Size int // in bytes; the size is 4 or 8
	Arg          Arg
}

func (m *Mem) String() string { return m.Text }

// Words lays numbers out in a struct of 64-bit fields.
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

// Program is the address of an executable file that makes the calls of side
// Trampoline, or its size in bytes. Package walk writes it: it knows where in
// memory the arguments come to lie.
type Program bool

const (
	ProgramFile Program = false
	ProgramSize Program = true
)

func (p Program) String() string { return "…" }

// short is the argument's text, of which a list of strings shows the beginning:
// an environment may be long, and Call is one line.
func short(a Arg) string {
	text := a.String()
	if _, list := a.(Strs); list && len(text) > listWidth {
		return Fold(text, listWidth) + "]"
	}
	return text
}

// Fold shortens a long text for one line of output.
func Fold(s string, max int) string {
	if len(s) <= max {
		return s
	}
	return fmt.Sprintf("%s…", strings.ToValidUTF8(s[:max], ""))
}
