package seccomp

// The program as text, one instruction a line:
//
//	 0  ld arch
//	 1  jeq AUDIT_ARCH_X86_64     then 3
//	 2  ret KILL_PROCESS
//	 3  ld nr
//	 4  jge 191 getxattr          then 185
//	 …
//	50  ld args[0].low
//	51  jeq 0x0                   else 53
//	52  ret ALLOW
//
// Without "then" or "else" a condition continues on the next line.

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// String returns the program as text.
func (f *Filter) String() string {
	var b strings.Builder
	p := printer{holds: map[int]uint32{}}
	for i, in := range f.Program {
		fmt.Fprintf(&b, "%4d  %s\n", i, strings.TrimRight(p.print(i, in), " "))
	}
	return b.String()
}

// printer tracks what A holds, to print what a number means. The sections of the ABIs
// are in the reverse order of their comparisons.
type printer struct {
	offset uint32         // of the word in A
	holds  map[int]uint32 // the same for the targets of jumps
	abi    string         // of the section that is being printed, as in Name
	later  []string       // the ABIs of the sections after it
}

func (p *printer) print(at int, in instruction) string {
	if offset, ok := p.holds[at]; ok {
		p.offset = offset
	}
	switch in.Code {
	case load(0).Code:
		if p.offset = in.K; p.offset == offNr {
			last := len(p.later) - 1
			p.abi, p.later = p.later[last], p.later[:last]
		}
		return "ld " + field(in.K)
	case and(0).Code:
		return fmt.Sprintf("and %#x", in.K)
	case ret(0).Code:
		return "ret " + returnText(in.K)
	case always(0).Code:
		return fmt.Sprintf("%-26s go %d", "ja", p.target(at, in.K))
	case jump(unix.BPF_JEQ, 0, next, next).Code:
		return p.condition("jeq", at, in)
	case jump(unix.BPF_JGT, 0, next, next).Code:
		return p.condition("jgt", at, in)
	case jump(unix.BPF_JGE, 0, next, next).Code:
		return p.condition("jge", at, in)
	}
	return fmt.Sprintf("code %#x k %#x", in.Code, in.K)
}

func (p *printer) condition(op string, at int, in instruction) string {
	line := fmt.Sprintf("%-26s", op+" "+p.operand(in.K))
	if in.Jt != next {
		line += fmt.Sprintf(" then %d", p.target(at, uint32(in.Jt)))
	}
	if in.Jf != next {
		line += fmt.Sprintf(" else %d", p.target(at, uint32(in.Jf)))
	}
	return line
}

// target returns the line that a jump over some instructions leads to.
func (p *printer) target(at int, skip uint32) int {
	to := at + 1 + int(skip)
	p.holds[to] = p.offset
	return to
}

// operand prints the number that A is compared with.
func (p *printer) operand(k uint32) string {
	switch p.offset {
	case offArch:
		for _, a := range auditArchs {
			if a.audit == k {
				p.later = append(p.later, a.abi)
				return a.name
			}
		}
	case offNr:
		if p.abi == "amd64" && k >= x32Bit {
			return strings.TrimSpace(fmt.Sprintf("%#x x32 %s", k, Name("x32", int(k-x32Bit))))
		}
		return strings.TrimSpace(fmt.Sprintf("%d %s", k, Name(p.abi, int(k))))
	}
	return fmt.Sprintf("%#x", k)
}

var auditArchs = [...]struct {
	audit     uint32
	name, abi string
}{
	{unix.AUDIT_ARCH_X86_64, "AUDIT_ARCH_X86_64", "amd64"},
	{unix.AUDIT_ARCH_I386, "AUDIT_ARCH_I386", "386"},
	{unix.AUDIT_ARCH_AARCH64, "AUDIT_ARCH_AARCH64", "arm64"},
	{unix.AUDIT_ARCH_ARM, "AUDIT_ARCH_ARM", "arm"},
}

// field prints the name of a word of struct seccomp_data.
func field(offset uint32) string {
	switch {
	case offset == offNr:
		return "nr"
	case offset == offArch:
		return "arch"
	case offset%8 == 0:
		return fmt.Sprintf("args[%d].low", (offset-offArgs)/8)
	default:
		return fmt.Sprintf("args[%d].high", (offset-offArgs)/8)
	}
}

// returnText prints a return value: ERRNO(EPERM).
func returnText(word uint32) string {
	data := word & unix.SECCOMP_RET_DATA
	switch word & unix.SECCOMP_RET_ACTION_FULL {
	case unix.SECCOMP_RET_KILL_PROCESS:
		return "KILL_PROCESS"
	case unix.SECCOMP_RET_KILL_THREAD:
		return "KILL_THREAD"
	case unix.SECCOMP_RET_TRAP:
		return "TRAP"
	case unix.SECCOMP_RET_ERRNO:
		if name := unix.ErrnoName(syscall.Errno(data)); name != "" {
			return "ERRNO(" + name + ")"
		}
		return fmt.Sprintf("ERRNO(%d)", data)
	case unix.SECCOMP_RET_USER_NOTIF:
		return "USER_NOTIF"
	case unix.SECCOMP_RET_TRACE:
		return fmt.Sprintf("TRACE(%d)", data)
	case unix.SECCOMP_RET_LOG:
		return "LOG"
	case unix.SECCOMP_RET_ALLOW:
		return "ALLOW"
	}
	return fmt.Sprintf("%#x", word)
}
