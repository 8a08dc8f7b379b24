package seccomp

// From a section of names to a program over numbers.
//
// Reading the section gives rules (rule.go) and entries: this call has that
// rule. For each ABI the entries become a line of spans (span.go), and the
// line a binary search whose leaves answer.
//
// Other ABIs. The native one is always filtered, its companions (32-bit calls,
// x32) by their own numbers where the section lists them. Where it does not:
//
//   - A foreign AUDIT_ARCH (int 0x80 on amd64) is killed, whatever the default
//     action, as libseccomp does, but the process rather than one thread.
//     An errno would be no kinder: a 32-bit program could not even exit.
//   - x32, the calls of x86_64 with bit 30 set, gets ENOSYS: the answer of a
//     kernel built without x32, which is nearly every one.

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Filter is what seccomp(2) wants to know.
type Filter struct {
	Program []unix.SockFilter // for the filter in struct sock_fprog
	Flags   uint              // SECCOMP_FILTER_FLAG_*
	Notify  bool              // some call is answered by a listener: seccomp(2) returns its fd
	Unknown []string          // names in the section that no ABI's table has; they are left out
}

const maxInstructions = 4096 // BPF_MAXINSNS

// Compile translates the seccomp section of an OCI config for a machine, named
// as GOARCH: amd64 or arm64. An error names the entry it is about.
//
// A name that the ABI does not have is left out, as runc and crun do: one
// section serves many architectures and kernels. See Filter.Unknown.
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

// compiler holds a section that has been read: entries in the section's order.
type compiler struct {
	otherwise uint32 // the default action's answer
	rules     []rule
	entries   []entry
	notify    bool
	unknown   []string
}

// An entry says that a call has a rule.
type entry struct {
	call *call
	rule int
}

func (c *compiler) read(s *specs.LinuxSeccomp) (err error) {
	if c.otherwise, err = answer(s.DefaultAction, s.DefaultErrnoRet); err != nil {
		return fmt.Errorf("defaultAction: %w", err)
	}
	if c.otherwise == unix.SECCOMP_RET_USER_NOTIF {
		return fmt.Errorf("defaultAction: %s would ask the listener before it can listen", specs.ActNotify)
	}
	c.entries = make([]entry, 0, 512)
	for i := range s.Syscalls {
		if err := c.add(&s.Syscalls[i]); err != nil {
			return fmt.Errorf("syscalls[%d] (%s): %w", i, firstOf(s.Syscalls[i].Names), err)
		}
	}
	return nil
}

// firstOf stands for a list of names in an error; Docker's has 380.
func firstOf(names []string) string {
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
		return errors.New("names is empty")
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

// dispatch goes to the section of the call's ABI and kills what has none.
func (c *compiler) dispatch(p program, sections []section) program {
	if len(sections) == 0 {
		return append(p, ret(unix.SECCOMP_RET_KILL_PROCESS))
	}
	at := len(p)
	p = append(p, jump(unix.BPF_JEQ, sections[0].audit, next, next))
	p = c.dispatch(p, sections[1:])
	p = land(p, at)
	return search(append(p, load(offNr)), c.line(sections[0]))
}

// search finds the span of the number in A: each comparison halves the line.
func search(p program, line line) program {
	if len(line) == 1 {
		return append(p, line[0].code...)
	}
	middle, at := len(line)/2, len(p)
	p = append(p, jump(unix.BPF_JGE, line[middle].from, next, next))
	p = search(p, line[:middle])
	p = land(p, at)
	return search(p, line[middle:])
}
