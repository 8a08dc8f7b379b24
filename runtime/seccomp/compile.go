package seccomp

// From a section of names to a program over numbers.
//
// The section is read into rules (rule.go) and entries: this call has that rule. For
// each ABI the entries become spans of numbers (span.go), and the spans a binary
// search whose leaves return.
//
// Other ABIs. The native one is always filtered; its companions (32-bit calls, x32)
// are filtered by their own numbers if the section lists them. If it does not:
//
//   - A call of another AUDIT_ARCH (int 0x80 on amd64) kills the process, whatever
//     the default action; libseccomp kills the thread. An errno would not help: a
//     32-bit program could not even exit.
//   - x32, the calls of x86_64 with bit 30 set, gets ENOSYS, as from a kernel built
//     without x32, which is nearly every one.

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Filter is the program and the flags for seccomp(2).
type Filter struct {
	Program []unix.SockFilter // for the filter in struct sock_fprog
	Flags   uint              // SECCOMP_FILTER_FLAG_*
	Notify  bool              // a rule has SCMP_ACT_NOTIFY: seccomp(2) returns the descriptor of the listener
	Unknown []string          // names in the section that no ABI has; they are left out
}

const maxInstructions = 4096 // BPF_MAXINSNS

// Compile compiles the seccomp section of an OCI config for a machine, a GOARCH: amd64
// or arm64. An error names the entry of the section.
//
// A name that the ABI does not have is left out, as in runc and crun: one section
// serves many architectures and kernels. See Filter.Unknown.
func Compile(s *specs.LinuxSeccomp, goarch string) (*Filter, error) {
	f, err := compile(s, goarch)
	if err != nil {
		return nil, fmt.Errorf("compile seccomp section: %w", err)
	}
	return f, nil
}

func compile(s *specs.LinuxSeccomp, goarch string) (*Filter, error) {
	sections, err := sectionsOf(s.Architectures, goarch)
	if err != nil {
		return nil, err
	}
	var c compiler
	if err := c.read(s); err != nil {
		return nil, err
	}
	flags, err := flagBits(s.Flags, c.notify)
	if err != nil {
		return nil, err
	}
	p := c.dispatch(append(make(program, 0, 512), load(offArch)), sections)
	if len(p) > maxInstructions {
		return nil, fmt.Errorf("%d instructions, the kernel takes at most %d", len(p), maxInstructions)
	}
	return &Filter{p, flags, c.notify, c.unknown}, nil
}

// compiler holds the section: rules, and entries in its order.
type compiler struct {
	otherwise uint32 // the return value of the default action
	rules     []rule
	entries   []entry
	notify    bool
	unknown   []string
}

// entry is a call and the index of its rule.
type entry struct {
	call *call
	rule int
}

func (c *compiler) read(s *specs.LinuxSeccomp) (err error) {
	if c.otherwise, err = returnValue(s.DefaultAction, s.DefaultErrnoRet); err != nil {
		return fmt.Errorf("defaultAction: %w", err)
	}
	if c.otherwise == unix.SECCOMP_RET_USER_NOTIF {
		return fmt.Errorf("defaultAction: %s: the listener would have to answer before it exists", specs.ActNotify)
	}
	c.entries = make([]entry, 0, 512)
	for i := range s.Syscalls {
		if err := c.add(&s.Syscalls[i]); err != nil {
			return fmt.Errorf("syscalls[%d] (%s): %w", i, nameOf(s.Syscalls[i].Names), err)
		}
	}
	return nil
}

// nameOf abbreviates a list of names for an error; Docker's has 380.
func nameOf(names []string) string {
	switch len(names) {
	case 0:
		return "nameless"
	case 1:
		return names[0]
	}
	return names[0] + ", …"
}

func (c *compiler) add(s *specs.LinuxSyscall) error {
	if len(s.Names) == 0 {
		return errors.New("names: empty")
	}
	rules, err := rulesOf(s)
	if err != nil {
		return err
	}
	c.notify = c.notify || rules[0].word == unix.SECCOMP_RET_USER_NOTIF
	for _, name := range s.Names {
		call := lookup(name)
		if call == nil {
			c.unknown = append(c.unknown, name)
			continue
		}
		for i := range rules {
			c.entries = append(c.entries, entry{call, len(c.rules) + i})
		}
	}
	c.rules = append(c.rules, rules...)
	return nil
}

// dispatch adds a jump to the section of each ABI, and kills calls of others.
func (c *compiler) dispatch(p program, sections []section) program {
	if len(sections) == 0 {
		return append(p, ret(unix.SECCOMP_RET_KILL_PROCESS))
	}
	at := len(p)
	p = append(p, jump(unix.BPF_JEQ, sections[0].audit, next, next))
	p = c.dispatch(p, sections[1:])
	p = jumpToEnd(p, at)
	return search(append(p, load(offNr)), c.spans(sections[0]))
}

// search adds a binary search for the span of the number in A.
func search(p program, s spans) program {
	if len(s) == 1 {
		return append(p, s[0].code...)
	}
	middle, at := len(s)/2, len(p)
	p = append(p, jump(unix.BPF_JGE, s[middle].from, next, next))
	p = search(p, s[:middle])
	p = jumpToEnd(p, at)
	return search(p, s[middle:])
}
