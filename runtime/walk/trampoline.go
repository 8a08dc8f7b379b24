package walk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"unsafe"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// The trampoline is a program of some hundred bytes, from which the container
// jumps into its own. The child is still a copy of our process, and what it
// became from there would start with our binary for its /proc/self/exe: a
// script that begins with "#!/proc/self/exe" would run the host's minictr in
// the container, where others can hold it open and overwrite it one day
// (CVE-2019-5736). So the child becomes the trampoline first, a file in memory
// that is nobody else's. One that waits there for `start` has a few pages only.
//
// It runs the loop of child.go once more, in assembly (trampoline_*.s), over a
// table of the plan's last steps. As an ELF file (elf(5)):
//
//	headers  of the file and its segments
//	code     the loop
//	head     what to say when a step fails: to whom, which bytes, how many
//	table    for each step number, six words, four accepted errors, result;
//	         in the end a mark instead of a number
//	memory   that the words point to
//
// The file is mapped twice: once to be executed, once to be written. When a
// step fails the table is written to the pipe called verdict, and its results
// tell the host why. When an execve succeeds nothing of the program is left,
// and the pipe just ends.

const (
	codeAddress = 0x400000
	dataAddress = 0x800000
	codeSize    = 256 // more than the loop takes
	headOffset  = elfHeader + segments*elfSegment + codeSize
	headSize    = 4 * word
	tableOffset = headOffset + headSize

	elfHeader, elfSegment, segments = 64, 56, 3
	largestPage                     = 64 << 10

	entrySize    = (1 + maxWords + maxAnswers + 1) * word
	resultOffset = entrySize - word
	maxWords     = 6 // of a call
	maxAnswers   = 4 // accepted errors
	word         = 8 // bytes

	maxErrno   = 4095
	endMark    = uint64(math.MaxUint64) // instead of a call's number
	notReached = uint64(1) << 63        // instead of a result
	verdictTag = "verdict\n"            // the last word of the head: what is said begins here
)

// trampolineCode is the address of the loop.
func trampolineCode() unsafe.Pointer

// trampoline makes the file for the steps of side Trampoline. The descriptors
// that they name have to be given ones.
func trampoline(p *plan.Plan, given map[plan.Ref]int) ([]byte, error) {
	m := &memory{given: given}
	var steps []*plan.Step
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Side == plan.Trampoline {
			steps = append(steps, s)
		}
	}
	verdict, ok := given[p.Verdict]
	if !ok && len(steps) > 0 {
		return nil, fmt.Errorf("%s: not given", p.Verdict)
	}
	m.headers()
	m.data = append(m.data, unsafe.Slice((*byte)(trampolineCode()), codeSize)...)
	m.words(uint64(verdict), dataAddress+tableOffset-word, uint64(word+len(steps)*entrySize))
	m.data = append(m.data, verdictTag...)
	table := len(m.data)
	m.data = append(m.data, make([]byte, len(steps)*entrySize)...)
	m.words(endMark)
	for i, s := range steps {
		entry, err := m.entry(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Call(), err)
		}
		copy(m.data[table+i*entrySize:], entry)
	}
	m.setSize()
	return m.data, nil
}

// memory is the file in the making.
type memory struct {
	data  []byte
	given map[plan.Ref]int
}

func (m *memory) words(w ...uint64) {
	for _, w := range w {
		m.data = binary.NativeEndian.AppendUint64(m.data, w)
	}
}

// headers of the file and of its three segments: code, data, and a stack that
// is not executable.
func (m *memory) headers() {
	const executable, current, load, stack = 2, 1, 1, 0x6474e551
	half := func(n ...uint16) {
		for _, n := range n {
			m.data = binary.NativeEndian.AppendUint16(m.data, n)
		}
	}
	m.data = append(m.data, 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	half(executable, machine, current, 0)
	m.words(codeAddress+headOffset-codeSize, elfHeader, 0)
	half(0, 0, elfHeader, elfSegment, segments, 0, 0, 0)
	segment := func(kind, flags, address, size uint64) {
		m.words(kind|flags<<32, 0, address, address, size, size, largestPage)
	}
	const execute, write, read = 1, 2, 4
	segment(load, read|execute, codeAddress, headOffset)
	segment(load, read|write, dataAddress, 0)
	segment(stack, read|write, 0, 0)
}

// setSize says how large the data is, once that is known.
func (m *memory) setSize() {
	const sizes = elfHeader + elfSegment + 4*word // in the second segment's header
	for i := range 2 {
		binary.NativeEndian.PutUint64(m.data[sizes+i*word:], uint64(len(m.data)))
	}
}

// entry is a step as a line of the table.
func (m *memory) entry(s *plan.Step) ([]byte, error) {
	if len(s.Args) > maxWords || len(s.Accept) > maxAnswers {
		return nil, fmt.Errorf("more than %d arguments or %d accepted errors", maxWords, maxAnswers)
	}
	var line [entrySize / word]uint64
	line[0] = uint64(s.Number)
	for k, a := range s.Args {
		w, err := m.arg(a)
		if err != nil {
			return nil, err
		}
		line[1+k] = w
	}
	for k, e := range s.Accept {
		line[1+maxWords+k] = uint64(e)
	}
	line[resultOffset/word] = notReached
	var entry memory
	entry.words(line[:]...)
	return entry.data, nil
}

func (m *memory) arg(a plan.Arg) (uint64, error) {
	switch a := a.(type) {
	case plan.Num:
		return a.Value, nil
	case plan.Ref:
		if fd, ok := m.given[a]; ok {
			return uint64(fd), nil
		}
	case plan.Str:
		return m.put(append([]byte(a), 0)), nil
	case plan.Strs:
		var list memory
		for _, s := range a {
			list.words(m.put(append([]byte(s), 0)))
		}
		list.words(0)
		return m.put(list.data), nil
	case *plan.Mem:
		if len(a.Fields) == 0 {
			return m.put(a.Bytes), nil
		}
	}
	return 0, fmt.Errorf("argument %s: not known when the trampoline is made", a)
}

// put adds bytes to the memory, and returns where the process will see them.
func (m *memory) put(b []byte) uint64 {
	at := uint64(len(m.data))
	m.data = append(m.data, b...)
	m.data = append(m.data, make([]byte, -len(m.data)&(word-1))...)
	return dataAddress + at
}

// Verdict reads what a trampoline has said to its end: nothing if the program
// runs, or else what failed, as an [*Error]. An execve that was tried in one
// folder of PATH after the other failed in the first, or where it was forbidden.
func Verdict(p *plan.Plan, said []byte) error {
	if len(said) == 0 {
		return nil
	}
	var failed *Error
	for i, errno := range results(p, said) {
		s := &p.Steps[i]
		if errno != 0 && (failed == nil || !slices.Contains(s.Accept, errno) || errno == unix.EACCES) {
			failed = &Error{i, len(p.Steps), s, errno}
		}
	}
	if failed == nil {
		return errors.New("start the program: the trampoline says that it failed, and not why")
	}
	return failed
}

// results are the steps that were made according to a verdict: their indexes,
// and their errors.
func results(p *plan.Plan, said []byte) iter.Seq2[int, unix.Errno] {
	table, _ := bytes.CutPrefix(said, []byte(verdictTag))
	return func(yield func(int, unix.Errno) bool) {
		for i := range p.Steps {
			if p.Steps[i].Side != plan.Trampoline {
				continue
			}
			if len(table) < entrySize {
				return
			}
			result := binary.NativeEndian.Uint64(table[resultOffset:])
			table = table[entrySize:]
			errno := unix.Errno(-result)
			if errno > maxErrno {
				errno = 0
			}
			if result != notReached && !yield(i, errno) {
				return
			}
		}
	}
}

// learn notes the results of a verdict where those of the other steps are.
func (w *Walk) learn() {
	for i, errno := range results(w.plan, w.said) {
		s := &w.program.slots[i]
		switch {
		case errno == 0:
			s.state = done
		case slices.Contains(w.plan.Steps[i].Accept, errno):
			s.state, s.errno = accepted, uint32(errno)
		default:
			s.state, s.errno = failed, uint32(errno)
		}
	}
}
