package seccomp

// The numbers of an ABI as spans: all calls from the beginning of one to the beginning
// of the next have the same action.
//
//	0…12 ALLOW │ 13 ALLOW if … │ 14…133 ALLOW │ 134 ERRNO(EPERM) │ … │ 467… ERRNO(ENOSYS)
//
// The last span is for calls newer than the section. A program that tries a new call
// fails on EPERM, but on ENOSYS it falls back to the old one. So numbers above the
// highest in the section return ENOSYS, as in runc, unless the default action lets
// calls pass.

import (
	"fmt"
	"math"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// section is the part of the program for one AUDIT_ARCH. On amd64 that can be two
// ABIs: x32 is x86_64 with a bit set in the number.
type section struct {
	audit uint32
	abi   int // column of the table
	x32   bool
}

const (
	x32Bit     = 1 << 30 // __X32_SYSCALL_BIT
	x32Private = 512     // first of x32's own variants of old calls: ioctl, execve, …
	armPrivate = 0xf0000 // __ARM_NR_BASE: set_tls, …
	enosys     = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// sectionsOf returns the sections for a machine: its native ABI, listed or not, and
// the companions that archs lists. Programs of other ABIs do not run here.
func sectionsOf(archs []specs.Arch, goarch string) ([]section, error) {
	for _, arch := range archs {
		if !isArch(arch) {
			return nil, fmt.Errorf("unknown architecture %q", arch)
		}
	}
	var sections []section
	switch goarch {
	case "amd64":
		sections = append(sections, section{unix.AUDIT_ARCH_X86_64, amd64, slices.Contains(archs, specs.ArchX32)})
		if slices.Contains(archs, specs.ArchX86) {
			sections = append(sections, section{unix.AUDIT_ARCH_I386, i386, false})
		}
	case "arm64":
		sections = append(sections, section{unix.AUDIT_ARCH_AARCH64, arm64, false})
		if slices.Contains(archs, specs.ArchARM) {
			sections = append(sections, section{unix.AUDIT_ARCH_ARM, arm, false})
		}
	default:
		return nil, fmt.Errorf("no table of system calls for %s", goarch)
	}
	return sections, nil
}

// isArch reports whether the spec has this architecture.
func isArch(arch specs.Arch) bool {
	switch arch {
	case specs.ArchX86, specs.ArchX86_64, specs.ArchX32,
		specs.ArchARM, specs.ArchAARCH64,
		specs.ArchMIPS, specs.ArchMIPS64, specs.ArchMIPS64N32,
		specs.ArchMIPSEL, specs.ArchMIPSEL64, specs.ArchMIPSEL64N32,
		specs.ArchPPC, specs.ArchPPC64, specs.ArchPPC64LE,
		specs.ArchS390, specs.ArchS390X,
		specs.ArchPARISC, specs.ArchPARISC64,
		specs.ArchRISCV64, specs.ArchLOONGARCH64,
		specs.ArchM68K, specs.ArchSH, specs.ArchSHEB:
		return true
	}
	return false
}

// span has the code, which always returns, for the numbers from `from` on.
type span struct {
	from uint32
	code program
}

type spans []span

// add adds a span, unless its code is that of the span before it.
func (l *spans) add(from uint32, code program) {
	if n := len(*l); n > 0 && slices.Equal((*l)[n-1].code, code) {
		return
	}
	*l = append(*l, span{from, code})
}

// spans returns the spans of a section, for all numbers from 0 on.
func (c *compiler) spans(s section) spans {
	l := make(spans, 0, 128)
	c.extend(&l, s.abi, 0)
	switch {
	case s.x32:
		c.extend(&l, x32, x32Bit)
	case s.abi == amd64:
		l.add(x32Bit, program{ret(enosys)})
	}
	return l
}

// extend adds the spans of one ABI, whose numbers begin at base.
func (c *compiler) extend(l *spans, abi int, base uint32) {
	wide := abi != i386 && abi != arm
	entries := c.numbered(abi)
	newest := c.newest(abi, entries)
	// numbers that are not in the section
	otherwise, young := program{ret(c.otherwise)}, program{ret(enosys)}
	unnamed := func(nr uint32) program {
		if nr > newest {
			return young
		}
		return otherwise
	}
	// numbers that are, with those before them
	nr := uint32(0) // the first number that has no span yet
	var rules []rule
	for i, e := range entries {
		if e.nr > nr {
			l.add(base+nr, unnamed(nr))
		}
		rules = append(rules, c.rules[e.rule])
		if i+1 < len(entries) && entries[i+1].nr == e.nr {
			continue
		}
		l.add(base+e.nr, decide(rules, otherwise, wide))
		nr, rules = e.nr+1, rules[:0]
	}
	l.add(base+nr, unnamed(nr))
}

// numbered is an entry of the section by number.
type numbered struct {
	nr   uint32
	rule int
}

// numbered returns the entries that an ABI has, sorted by number, and those of one
// number in the order of the section.
func (c *compiler) numbered(abi int) []numbered {
	list := make([]numbered, 0, len(c.entries))
	for _, e := range c.entries {
		if nr := e.call.numbers[abi]; nr >= 0 {
			list = append(list, numbered{uint32(nr), e.rule})
		}
	}
	slices.SortFunc(list, func(a, b numbered) int {
		if a.nr != b.nr {
			return int(a.nr) - int(b.nr)
		}
		return a.rule - b.rule
	})
	return list
}

// newest returns the number above which calls are newer than the section.
func (c *compiler) newest(abi int, entries []numbered) uint32 {
	newest := uint32(math.MaxUint32)
	if permissive(c.otherwise) {
		return newest
	}
	private := uint32(armPrivate)
	if abi == x32 {
		private = x32Private
	}
	for _, e := range entries {
		if e.nr < private {
			newest = e.nr
		}
	}
	return newest
}
