package seccomp

import "golang.org/x/sys/unix"

// Allows reports whether the filter allows a call of a machine (a GOARCH), whatever the
// call's arguments are.
func (f *Filter) Allows(goarch, name string) bool {
	sections, err := sectionsOf(nil, goarch)
	nr, ok := Number(goarch, name)
	if err != nil || !ok {
		return false
	}
	r := reader{f.Program, sections[0].audit, uint32(nr), map[int]bool{}}
	return r.allows(0, 0, true)
}

// reader reads a program as the kernel runs it for a call of unknown arguments.
type reader struct {
	program
	arch, nr uint32
	seen     map[int]bool // instructions that were read with an unknown A
}

// allows reports whether the program, from instruction pc on, returns nothing but words of
// permission. Where A is not known, both ends of a jump are read.
func (r *reader) allows(pc int, a uint32, known bool) bool {
	if !known {
		if r.seen[pc] {
			return true
		}
		r.seen[pc] = true
	}
	in := r.program[pc]
	switch in.Code {
	case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
		word, known := r.word(in.K)
		return r.allows(pc+1, word, known)
	case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
		return r.allows(pc+1, a&in.K, known)
	case unix.BPF_JMP | unix.BPF_JA:
		return r.allows(pc+1+int(in.K), a, known)
	case unix.BPF_RET | unix.BPF_K:
		return strictness(in.K) >= strictness(unix.SECCOMP_RET_LOG)
	}
	yes, no := pc+1+int(in.Jt), pc+1+int(in.Jf)
	if !known {
		return r.allows(yes, a, false) && r.allows(no, a, false)
	}
	if jumps(in, a) {
		return r.allows(yes, a, true)
	}
	return r.allows(no, a, true)
}

// word returns the word of struct seccomp_data at offset, if it is known.
func (r *reader) word(offset uint32) (word uint32, known bool) {
	switch offset {
	case offNr:
		return r.nr, true
	case offArch:
		return r.arch, true
	}
	return 0, false
}

// jumps reports whether the condition of a jump holds.
func jumps(in instruction, a uint32) bool {
	switch in.Code {
	case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
		return a == in.K
	case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
		return a > in.K
	}
	return a >= in.K // BPF_JGE, the third that is compiled
}
