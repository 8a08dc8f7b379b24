package seccomp

// A rule may look at arguments. They are 64 bits wide, the accumulator 32, so
// a comparison is made of two halves, the high one first:
//
//	arg == v:  ld high; jeq v.high, next, fail;  ld low; jeq v.low, pass, fail
//	arg >  v:  ld high; jgt v.high, pass, next;  jeq v.high, next, fail
//	                                             ld low; jgt v.low, pass, fail
//
// The other operators are these two with pass and fail exchanged, or with jge
// in the last place.
//
// All 64 bits are compared because the section says so. The kernel itself uses
// fewer where the argument is an int: socket(2) of family 1<<32 | AF_VSOCK
// opens a vsock. A rule that refuses "family == AF_VSOCK" therefore lets it
// through; who wants the int masks it (SCMP_CMP_MASKED_EQ), as profile.go does.

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A rule answers a call whose arguments pass all its tests.
type rule struct {
	word          uint32
	unconditional bool
	code          program // ends in ret word; falls off its end where a test fails
}

// Offsets in struct seccomp_data.
const (
	offNr   = 0
	offArch = 4
	offArgs = 16
)

// Where a test jumps before its place in the program is known.
const (
	next = 0
	pass = 0xfe
	fail = 0xff
)

// rulesOf translates one entry of the section. An argument that is tested
// twice makes each test a rule of its own, joined by "or": nobody would expect
// it, but runc began so, crun follows, and profiles count on it.
func rulesOf(call *specs.LinuxSyscall) ([]rule, error) {
	word, err := answer(call.Action, call.ErrnoRet)
	if err != nil {
		return nil, err
	}
	var seen [6]bool
	repeated := false
	for _, arg := range call.Args {
		if arg.Index >= uint(len(seen)) {
			return nil, fmt.Errorf("argument index %d: a call has six, 0 to 5", arg.Index)
		}
		repeated = repeated || seen[arg.Index]
		seen[arg.Index] = true
	}
	if !repeated {
		r, err := newRule(word, call.Args)
		return []rule{r}, err
	}
	rules := make([]rule, len(call.Args))
	for i := range call.Args {
		if rules[i], err = newRule(word, call.Args[i:i+1]); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

func newRule(word uint32, args []specs.LinuxSeccompArg) (rule, error) {
	var code program
	for _, arg := range args {
		test, err := compare(arg)
		if err != nil {
			return rule{}, err
		}
		code = append(code, resolve(test, pass, len(test))...)
	}
	code = append(code, ret(word))
	return rule{word, len(args) == 0, resolve(code, fail, len(code))}, nil
}

// resolve points the jumps marked with label at the instruction with index target.
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

// compare is the test of one argument.
func compare(arg specs.LinuxSeccompArg) (program, error) {
	low := offArgs + 8*uint32(arg.Index) // little-endian, as amd64 and arm64 are
	high := low + 4
	const all = ^uint64(0)
	switch v := arg.Value; arg.Op {
	case specs.OpEqualTo:
		return equal(low, high, all, v, pass, fail), nil
	case specs.OpNotEqual:
		return equal(low, high, all, v, fail, pass), nil
	case specs.OpMaskedEqual:
		return equal(low, high, v, arg.ValueTwo, pass, fail), nil
	case specs.OpGreaterThan:
		return greater(low, high, unix.BPF_JGT, v, pass, fail), nil
	case specs.OpGreaterEqual:
		return greater(low, high, unix.BPF_JGE, v, pass, fail), nil
	case specs.OpLessThan:
		return greater(low, high, unix.BPF_JGE, v, fail, pass), nil
	case specs.OpLessEqual:
		return greater(low, high, unix.BPF_JGT, v, fail, pass), nil
	}
	return nil, fmt.Errorf("unknown operator %q", arg.Op)
}

// equal tests arg & mask == v. A half that the mask leaves out costs nothing.
func equal(low, high uint32, mask, v uint64, yes, no uint8) program {
	var code program
	for _, half := range []struct{ offset, mask, v uint32 }{
		{high, uint32(mask >> 32), uint32(v >> 32)},
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

// greater tests arg > v, or arg >= v where op is BPF_JGE.
func greater(low, high uint32, op uint16, v uint64, yes, no uint8) program {
	return program{
		load(high),
		jump(unix.BPF_JGT, uint32(v>>32), yes, next),
		jump(unix.BPF_JEQ, uint32(v>>32), next, no),
		load(low),
		jump(op, uint32(v), yes, no),
	}
}

// decide joins the rules of one call to a program that always answers, with
// the word otherwise where no rule does.
//
// The section is a list without a stated order of precedence. Of several
// unconditional rules the first counts, as in libseccomp; of the rules that
// match, the strictest action wins, as between filters in the kernel. So a
// rule that forbids can be added anywhere, and no call is allowed that runc
// would refuse.
func decide(rules []rule, otherwise uint32) program {
	if len(rules) == 1 && rules[0].unconditional {
		return rules[0].code
	}
	var tried []rule
	general := false
	for _, r := range rules {
		if !r.unconditional || !general {
			tried = append(tried, r)
		}
		general = general || r.unconditional
	}
	slices.SortStableFunc(tried, func(a, b rule) int {
		return cmp.Compare(strictness(a.word), strictness(b.word))
	})
	var code, last program
	for _, r := range tried {
		if len(last) == 3 && last[0] == r.code[0] {
			code = append(code, r.code[1:]...) // A still holds the word that this rule tests
		} else {
			code = append(code, r.code...)
		}
		if r.unconditional {
			return code
		}
		last = r.code
	}
	return append(code, ret(otherwise))
}
