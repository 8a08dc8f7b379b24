// Core 25 of 28: steps become machine words

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

// Lowering turns each step into an op: words for the kernel, and the memory that they
// point to. A pointer in memory that the kernel reads must not move: Go's garbage
// collector moves no heap memory, and program.keep keeps it alive.

// op is one system call, ready for code that must not allocate.
type op struct {
	number uintptr
	words  [6]uintptr
	refs   [6]int32 // slot+1 whose result is used for the word; 0 for none
	needs  int32    // slot+1 that must hold a result; 0 for none
	lacks  int32    // slot+1 that must hold none
	keeps  bool     // if it holds one, this step has the same result
	accept [maxAccept]uintptr
	side   plan.Side
	child  plan.Side // of clone3
	expect expect
	result *int32 // nil: the value that the call returns
}

const maxAccept = 5

type expect struct {
	at          *uint64 // nil for no expectation
	mask, value uint64
	not         bool
}

// program is a plan in memory.
type program struct {
	ops   []op
	slots []slot // one a step, then one for each fds descriptor
	late  [][]late
	keep  [][]byte // what the words point to, kept from the garbage collector
}

// late is a result that the host writes into memory just before a step.
type late struct {
	slot int32  // slot+1
	at   []byte // field of a struct that receives it; nil for a path:
	file string // a file of the process in /proc,
	word int    // and the index of the word that points to its path
}

type lowerer struct {
	*program
	names  map[plan.Ref]int32 // slot+1 of the nearest earlier result
	file   []byte             // the trampoline
	rest   []byte             // unused memory for the words to point to
	index  int
	side   plan.Side
	memory [6][]byte // what each argument of this step points to
}

// lower lays out the plan. fds maps names to open descriptors.
func lower(p *plan.Plan, fds map[plan.Ref]int) (*program, error) {
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
	if l.file, err = trampoline(p, fds); err != nil {
		return nil, err
	}
	for i := range p.Steps {
		if l.ops[i].side = p.Steps[i].Side; l.ops[i].side == plan.Trampoline {
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

// ref returns the slot+1 of a result; 0 for no name.
func (l *lowerer) ref(r plan.Ref) (int32, error) {
	if r == "" {
		return 0, nil
	}
	slot, ok := l.names[r]
	if !ok {
		return 0, fmt.Errorf("%s: no earlier step has this result", r)
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
	return 0, 0, fmt.Errorf("argument %d: %T cannot be passed to the kernel", k+1, a)
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

// bytes copies data, and returns the copy and its address. One word of memory follows
// it, so that the address of empty data is valid.
func (l *lowerer) bytes(data []byte) ([]byte, uintptr) {
	b := l.room(len(data) + word)[:len(data)+word]
	copy(b, data)
	return b, uintptr(unsafe.Pointer(unsafe.SliceData(b)))
}

// room returns n bytes of zeroed memory, aligned to a word. It is allocated in large
// pieces: a plan has about a thousand small arguments.
func (l *lowerer) room(n int) []byte {
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
	b := l.room(len(s) + 1)
	copy(b, s)
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))
}

func (l *lowerer) strs(list []string) uintptr {
	b := l.room((len(list) + 1) * word)
	for i, s := range list {
		put(b[i*word:(i+1)*word], l.str(s))
	}
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))
}

func (l *lowerer) mem(m *plan.Mem, k int) (uintptr, error) {
	b, address := l.bytes(m.Bytes)
	defer func() { l.memory[k] = b }()
	for _, f := range m.Fields {
		field := b[f.Offset : f.Offset+f.Size]
		word, ref, err := l.arg(f.Arg, 0)
		if err != nil {
			return 0, err
		}
		if ref != 0 {
			if l.side != plan.Host {
				return 0, fmt.Errorf("%s: a result inside a struct, on the container's side", f.Arg)
			}
			l.late[l.index] = append(l.late[l.index], late{at: field, slot: ref})
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

// fill writes the results that step i needs into its memory.
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

// sharedSlots maps memory that the child shares: MAP_SHARED stays common across a clone
// without CLONE_VM.
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

const word = 8 // bytes
