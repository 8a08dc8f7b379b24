// Core 25 of 28: steps become machine words
//
// Lowering turns each step into an op: the words that are passed to the kernel, and the
// memory that they point to. A slice keeps that memory from the garbage collector.
//
// A word may not be known yet. If it is the result of an earlier step, step (child.go)
// takes it from that step's slot. A result inside a struct, or in a path such as
// "/proc/@pid/uid_map", is written to memory by the host (fill), right before it makes the
// step, or, for a struct of another side, right before clone3.

package walk

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// op is a system call that can be made by code that may not allocate.
type op struct {
	number uintptr
	words  [6]uintptr
	refs   [6]int32 // slot+1 whose result is the word; 0 for none
	needs  int32    // slot+1 that must have a result; 0 for none
	lacks  int32    // slot+1 that must have none
	keeps  bool     // if it has one, that is this step's result too
	accept [maxAccept]uintptr
	side   plan.Side
	child  plan.Side // of clone3: the side that the new process begins with
	expect expect
	result *int32 // where the call writes its result; nil: it returns it
}

const maxAccept = 5

type expect struct { // plan.Expect
	at          *uint64 // nil for none
	mask, value uint64
	not         bool
}

// program is a plan, lowered.
type program struct {
	ops   []op
	slots []slot   // one for each step, then one for each descriptor of the caller
	late  [][]late // for each step
	keep  [][]byte // the memory that words point to
}

// late is a result that the host writes into memory before it makes a step.
type late struct {
	slot int32  // slot+1 of the result
	at   []byte // the field of a struct to write it to; nil if the result is a pid:
	file string // then a file in /proc/PID,
	word int    // and the word that becomes the address of its path
}

// lowerer lowers the steps one by one.
type lowerer struct {
	*program
	names  map[plan.Ref]int32 // slot+1 of the nearest earlier result
	file   []byte             // the trampoline
	rest   []byte             // memory that is not used yet
	index  int                // of the step
	clone  int                // of the host's step that begins another side
	side   plan.Side
	memory [6][]byte // what each argument of this step points to
}

// lower lays the plan out in memory. fds are the caller's descriptors.
func lower(p *plan.Plan, fds map[plan.Ref]int) (*program, error) {
	// slots; results that the caller provides have theirs after those of the steps
	n := len(p.Steps)
	slots, err := sharedSlots(n + len(fds))
	if err != nil {
		return nil, err
	}
	prog := &program{ops: make([]op, n), slots: slots, late: make([][]late, n)}
	l := &lowerer{program: prog, names: map[plan.Ref]int32{}}
	for name, fd := range fds {
		l.names[name] = int32(n + 1)
		slots[n] = slot{state: done, value: uintptr(fd)}
		n++
	}

	// the trampoline, which makes the last steps, and all other steps
	if l.file, err = trampoline(p, fds); err != nil {
		return nil, err
	}
	for i := range p.Steps {
		if l.ops[i].side = p.Steps[i].Side; l.ops[i].side >= plan.Trampoline {
			continue
		}
		if err := l.step(i, &p.Steps[i]); err != nil {
			return nil, fmt.Errorf("step %d, %s: %w", i+1, p.Steps[i].Call(), err)
		}
	}
	return prog, nil
}

func (l *lowerer) step(i int, s *plan.Step) (err error) {
	l.index, l.side = i, s.Side
	o := &l.ops[i]
	o.number, o.child = s.Number, s.Child
	if s.Side == plan.Host && s.Child != plan.Host {
		l.clone = i
	}
	if len(s.Args) > len(o.words) || len(s.Accept) > maxAccept {
		return fmt.Errorf("more than %d arguments or %d accepted errors", len(o.words), maxAccept)
	}
	for k, a := range s.Args {
		if o.words[k], o.refs[k], err = l.arg(a, k); err != nil {
			return err
		}
	}
	for k, e := range s.Accept {
		o.accept[k] = uintptr(e)
	}
	if o.needs, err = l.ref(s.If); err != nil {
		return err
	}
	if o.lacks, err = l.ref(s.Unless); err != nil {
		return err
	}
	o.keeps = s.Result != "" && s.Result == string(s.Unless)
	if e := s.Expect; e != nil {
		at := (*uint64)(unsafe.Pointer(&l.memory[e.Arg][e.Offset]))
		o.expect = expect{at, e.Mask, e.Value, e.Not}
	}
	if r := s.Returns; r != nil {
		o.result = (*int32)(unsafe.Pointer(&l.memory[r.Arg][r.Offset]))
	}
	if s.Result != "" {
		l.names[plan.Ref(s.Result)] = int32(i + 1)
	}
	return nil
}

// ref returns the slot+1 of a result, 0 for none.
func (l *lowerer) ref(r plan.Ref) (int32, error) {
	if r == "" {
		return 0, nil
	}
	slot, ok := l.names[r]
	if !ok {
		return 0, fmt.Errorf("%s: not the result of an earlier step", r)
	}
	return slot, nil
}

// arg lowers the argument that is word k of the step.
func (l *lowerer) arg(a plan.Arg, k int) (word uintptr, ref int32, err error) {
	switch a := a.(type) {
	case plan.Num:
		return uintptr(a.Value), 0, nil
	case plan.Ref:
		ref, err = l.ref(a)
		return 0, ref, err
	case plan.Str:
		if name, file, ok := ofProcess(a); ok && l.side == plan.Host {
			pid, err := l.ref(name)
			l.late[l.index] = append(l.late[l.index], late{slot: pid, file: file, word: k})
			return 0, 0, err
		}
		return l.str(string(a)), 0, nil
	case plan.Strs:
		return l.strs(a), 0, nil
	case plan.Program:
		if a == plan.ProgramSize {
			return uintptr(len(l.file)), 0, nil
		}
		_, word = l.bytes(l.file)
		return word, 0, nil
	case *plan.Mem:
		word, err = l.mem(a, k)
		return word, 0, err
	}
	return 0, 0, fmt.Errorf("argument %d: unknown type %T", k+1, a)
}

// ofProcess splits "/proc/@pid/uid_map" into "pid" and "uid_map".
func ofProcess(path plan.Str) (name plan.Ref, file string, ok bool) {
	rest, ok := strings.CutPrefix(string(path), "/proc/@")
	if !ok {
		return "", "", false
	}
	process, file, ok := strings.Cut(rest, "/")
	return plan.Ref(process), file, ok
}

// bytes returns a copy of data, and its address. One more word follows it, so that the
// address of empty memory is valid.
func (l *lowerer) bytes(data []byte) ([]byte, uintptr) {
	b := l.allocate(len(data) + word)[:len(data)+word]
	copy(b, data)
	return b, uintptr(unsafe.Pointer(unsafe.SliceData(b)))
}

// allocate returns n bytes of memory, aligned to a word, from a large piece: a plan needs
// some thousand small ones.
func (l *lowerer) allocate(n int) []byte {
	const piece = 64 << 10
	n = (n + word - 1) &^ (word - 1)
	if len(l.rest) < n {
		l.rest = make([]byte, max(n, piece))
		l.keep = append(l.keep, l.rest)
	}
	b := l.rest[:n:n]
	l.rest = l.rest[n:]
	return b
}

func (l *lowerer) str(s string) uintptr {
	b := l.allocate(len(s) + 1)
	copy(b, s)
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))
}

func (l *lowerer) strs(list []string) uintptr {
	b := l.allocate((len(list) + 1) * word)
	for i, s := range list {
		put(b[i*word:(i+1)*word], l.str(s))
	}
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))
}

func (l *lowerer) mem(m *plan.Mem, k int) (uintptr, error) {
	b, address := l.bytes(m.Bytes)
	defer func() { l.memory[k] = b }() // last: a field that is a struct is lowered meanwhile, as argument 0
	for _, f := range m.Fields {
		field := b[f.Offset : f.Offset+f.Size]
		word, ref, err := l.arg(f.Arg, 0)
		if err != nil {
			return 0, err
		}
		if ref != 0 {
			filled := l.index
			if l.side != plan.Host {
				if filled = l.clone; int(ref) > filled {
					return 0, fmt.Errorf("%s: inside a struct, and not known at clone3", f.Arg)
				}
			}
			l.late[filled] = append(l.late[filled], late{at: field, slot: ref})
			continue
		}
		put(field, word)
	}
	return address, nil
}

// put writes a word into a field of four or eight bytes.
func put(field []byte, word uintptr) {
	if len(field) == 4 {
		binary.NativeEndian.PutUint32(field, uint32(word))
		return
	}
	binary.NativeEndian.PutUint64(field, uint64(word))
}

// fill writes earlier results into the memory of step i.
func (p *program) fill(i int) {
	for _, l := range p.late[i] {
		value := p.slots[l.slot-1].value
		if l.at != nil {
			put(l.at, value)
			continue
		}
		path := append([]byte("/proc/"+strconv.Itoa(int(value))+"/"+l.file), 0)
		p.keep = append(p.keep, path)
		p.ops[i].words[l.word] = uintptr(unsafe.Pointer(unsafe.SliceData(path)))
	}
}

// sharedSlots maps memory that the child shares.
func sharedSlots(n int) ([]slot, error) {
	size := n * int(unsafe.Sizeof(slot{}))
	data, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("mmap %d bytes to share with the child: %w", size, err)
	}
	return unsafe.Slice((*slot)(unsafe.Pointer(unsafe.SliceData(data))), n), nil
}

// release unmaps the shared memory.
func (p *program) release() error {
	size := len(p.slots) * int(unsafe.Sizeof(slot{}))
	return unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(p.slots))), size))
}

const word = 8 // bytes in a word of the machine
