package seccomp

// A rule may test arguments. They are 64 bits wide, the accumulator 32, so a
// comparison is made of two halves, the high one first:
//
//	arg == v:  ld high; jeq v.high, next, fail;  ld low; jeq v.low, pass, fail
//	arg >  v:  ld high; jgt v.high, pass, next;  jeq v.high, next, fail
//	                                             ld low; jgt v.low, pass, fail
//
// The other operators are these two with pass and fail exchanged, or with jge in the
// last place. In the 32-bit ABIs there are only low halves, and -1 in the section
// means 0xffffffff.
//
// All 64 bits are compared, as the section says. The kernel uses fewer if the
// argument is an int: socket(2) of family 1<<32 | AF_VSOCK opens a vsock. A rule that
// refuses "family == AF_VSOCK" does not match it; a rule for the int has to mask it
// (SCMP_CMP_MASKED_EQ), as profile.go does.

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// rule returns a word for a call whose arguments pass all its tests.
type rule struct {
	word  uint32
	ret   program // ret word
	tests []test
}

// test compares an argument.
type test struct {
	low         uint32 // offset of the argument's low half
	op          uint16 // BPF_JEQ, BPF_JGT or BPF_JGE
	mask, value uint64 // the mask is for BPF_JEQ
	not         bool
}

// Offsets in struct seccomp_data.
const (
	offNr   = 0
	offArch = 4
	offArgs = 16
)

// Targets of the jumps of a test before its place in the program is known.
const (
	next = 0
	pass = 0xfe
	fail = 0xff
)

// rulesOf translates one entry of the section. If an argument is tested twice, each
// test is a rule of its own, joined by "or": as in runc and crun, on which profiles
// rely.
func rulesOf(call *specs.LinuxSyscall) ([]rule, error) {
	word, err := returnValue(call.Action, call.ErrnoRet)
	if err != nil {
		return nil, err
	}
	var tests []test
	var seen [6]bool
	repeated := false
	for _, arg := range call.Args {
		t, err := newTest(arg)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
		repeated = repeated || seen[arg.Index]
		seen[arg.Index] = true
	}
	answer := program{ret(word)}
	if !repeated {
		return []rule{{word, answer, tests}}, nil
	}
	rules := make([]rule, len(tests))
	for i := range tests {
		rules[i] = rule{word, answer, tests[i : i+1]}
	}
	return rules, nil
}

func newTest(arg specs.LinuxSeccompArg) (test, error) {
	if arg.Index > 5 {
		return test{}, fmt.Errorf("argument index %d: want 0 to 5", arg.Index)
	}
	t := test{
		low:   offArgs + 8*uint32(arg.Index), // little-endian, as amd64 and arm64 are
		op:    unix.BPF_JEQ,
		mask:  math.MaxUint64,
		value: arg.Value,
	}
	switch arg.Op {
	case specs.OpEqualTo:
	case specs.OpNotEqual:
		t.not = true
	case specs.OpMaskedEqual:
		t.mask, t.value = arg.Value, arg.ValueTwo&arg.Value // other bits are ignored, as in libseccomp
	case specs.OpGreaterThan:
		t.op = unix.BPF_JGT
	case specs.OpLessEqual:
		t.op, t.not = unix.BPF_JGT, true
	case specs.OpGreaterEqual:
		t.op = unix.BPF_JGE
	case specs.OpLessThan:
		t.op, t.not = unix.BPF_JGE, true
	default:
		return test{}, fmt.Errorf("unknown operator %q", arg.Op)
	}
	return t, nil
}

// code returns the word of the rule, or continues after it if a test fails.
func (r rule) code(wide bool) program {
	var code program
	for _, t := range r.tests {
		test := t.code(wide)
		code = append(code, resolve(test, pass, len(test))...)
	}
	code = append(code, r.ret...)
	return resolve(code, fail, len(code))
}

// resolve makes the jumps to label jump to the instruction with index target.
func resolve(code program, label uint8, target int) program {
	for i := range code {
		in := &code[i]
		if in.Code&0x07 != unix.BPF_JMP {
			continue
		}
		if in.Jt == label {
			in.Jt = uint8(target - i - 1)
		}
		if in.Jf == label {
			in.Jf = uint8(target - i - 1)
		}
	}
	return code
}

// code jumps to pass or fail; wide means arguments of 64 bits.
func (t test) code(wide bool) program {
	yes, no := uint8(pass), uint8(fail)
	if t.not {
		yes, no = no, yes
	}
	switch {
	case t.op == unix.BPF_JEQ && wide:
		return equal(t.low, t.mask, t.value, yes, no)
	case t.op == unix.BPF_JEQ:
		return equal(t.low, t.mask&math.MaxUint32, t.value&math.MaxUint32, yes, no)
	case wide:
		return program{
			load(t.low + 4),
			jump(unix.BPF_JGT, uint32(t.value>>32), yes, next),
			jump(unix.BPF_JEQ, uint32(t.value>>32), next, no),
			load(t.low),
			jump(t.op, uint32(t.value), yes, no),
		}
	default:
		return program{load(t.low), jump(t.op, uint32(t.value), yes, no)}
	}
}

// equal tests arg & mask == v. A half without bits in the mask is not tested.
func equal(low uint32, mask, v uint64, yes, no uint8) program {
	var code program
	for _, half := range []struct{ offset, mask, v uint32 }{
		{low + 4, uint32(mask >> 32), uint32(v >> 32)},
		{low, uint32(mask), uint32(v)},
	} {
		if half.mask == 0 && half.v == 0 {
			continue
		}
		code = append(code, load(half.offset))
		if half.mask != ^uint32(0) {
			code = append(code, and(half.mask))
		}
		code = append(code, jump(unix.BPF_JEQ, half.v, next, no))
	}
	if len(code) > 0 {
		code[len(code)-1].Jt = yes
	}
	return code
}

// decide joins the rules of one call to a program that always returns, otherwise if no
// rule matches.
//
// The spec states no precedence in the list. Of several unconditional rules the first
// counts, as in libseccomp; of the rules that match, the strictest action wins, as
// among filters in the kernel. So a rule that refuses can be added anywhere.
func decide(rules []rule, otherwise program, wide bool) program {
	if len(rules) == 1 && len(rules[0].tests) == 0 {
		return rules[0].ret
	}
	// the rules that count, the strictest first
	var tried []rule
	general := false
	for _, r := range rules {
		if len(r.tests) > 0 || !general {
			tried = append(tried, r)
		}
		general = general || len(r.tests) == 0
	}
	slices.SortStableFunc(tried, func(a, b rule) int {
		return cmp.Compare(strictness(a.word), strictness(b.word))
	})
	// one after the other
	var code, last program
	for _, r := range tried {
		piece := r.code(wide)
		if len(last) == 3 && last[0] == piece[0] {
			code = append(code, piece[1:]...) // A already holds the word
		} else {
			code = append(code, piece...)
		}
		if len(r.tests) == 0 {
			return code
		}
		last = piece
	}
	return append(code, otherwise...)
}
