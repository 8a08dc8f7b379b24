package main

// Reading the output of strace(1), and comparing it with a plan. Both write a system
// call as a line of C, so the comparison is one of text, argument by argument; what only
// one of them shows (the bytes behind an "…", further fields of a struct) is not
// compared.

import (
	mathbits "math/bits"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/minictr/minictr/internal/testkit"
)

// traced is a call that was made.
type traced struct {
	name  string
	args  []string
	value int
	errno string // "" for success
	line  string
}

var callLine = regexp.MustCompile(`^(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)(?: (E[A-Z0-9]+))?(?: [(<].*)?$`)

// readTrace reads the file of one thread, of strace -ff -xx.
func readTrace(t *testing.T, path string) (calls []traced) {
	t.Helper()
	data := testkit.ReadFile(t, path)
	for line := range strings.Lines(data) {
		m := callLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil || strings.Contains(m[2], "<unfinished") {
			continue // signals, exits, calls that did not return
		}
		value, _ := strconv.ParseInt(m[3], 0, 64)
		calls = append(calls, traced{m[1], split(m[2]), int(value), m[4], readable(line)})
	}
	return calls
}

var hexString = regexp.MustCompile(`"(\\x[0-9a-f]{2})+"`)

// readable is a line whose strings are not in hexadecimal.
func readable(line string) string {
	return hexString.ReplaceAllStringFunc(strings.TrimSpace(line), func(s string) string {
		return strconv.Quote(quoted(s))
	})
}

// split splits a list at the commas outside strings and brackets.
func split(list string) (parts []string) {
	depth, quoted, begin := 0, false, 0
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		case c == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(list[begin:i]))
			begin = i + 1
		}
	}
	if last := strings.TrimSpace(list[begin:]); last != "" {
		parts = append(parts, last)
	}
	return parts
}

// results are the values of the names in the plan.
type results map[string]int

const absent = -1 // of a step that was left out, or failed as it may

// has reports whether a result is there; a name that no step has stands for a descriptor
// opened before.
func (r results) has(name string) bool {
	value, known := r[name]
	return !known || value != absent
}

// sameArgs compares all arguments of a call. Those that strace omits must be zero in the
// plan.
func (r results) sameArgs(plan, trace []string) bool {
	for i, p := range plan {
		if i >= len(trace) {
			if p != "0" {
				return false
			}
			continue
		}
		if !r.same(p, trace[i]) {
			return false
		}
	}
	return len(trace) <= len(plan)
}

// same compares one argument.
func (r results) same(plan, trace string) bool {
	switch {
	case plan == trace, plan == "…", plan == "buf":
		return true
	case plan == "":
		return false
	case strings.HasPrefix(plan, `@"`): // an abstract name, of a socket
		return strings.HasPrefix(trace, "@") && r.same(plan[1:], trace[1:])
	case plan[0] == '@':
		return r.sameValue(plan[1:], trace)
	case plan[0] == '"':
		p, err1 := strconv.Unquote(plan)
		t, err2 := strconv.Unquote(trace)
		return err1 == nil && err2 == nil && p == t
	case plan[0] == '[':
		return trace != "" && trace[0] == '[' && r.sameArgs(split(inside(plan)), split(inside(trace)))
	case plan[0] == '{':
		return trace != "" && trace[0] == '{' && r.sameFields(split(inside(plan)), split(inside(trace)))
	}
	return sameBits(plan, trace)
}

// sameValue compares a result. The value of a descriptor opened before is learnt where
// it first occurs.
func (r results) sameValue(name, trace string) bool {
	n, err := strconv.Atoi(trace)
	if err != nil {
		return false
	}
	value, known := r[name]
	if !known {
		r[name] = n
	}
	return !known || value == n
}

func inside(s string) string { return s[1 : len(s)-1] }

// sameFields compares the fields that both have.
func (r results) sameFields(plan, trace []string) bool {
	fields := map[string]string{}
	for _, f := range trace {
		name, value, _ := strings.Cut(f, "=")
		fields[name] = value
	}
	for _, f := range plan {
		if name, value, ok := strings.Cut(f, " != "); ok {
			if fields[name] == value {
				return false
			}
			continue
		}
		name, value, ok := strings.Cut(f, "=")
		if t, both := fields[name]; ok && both && !r.same(value, t) {
			return false
		}
	}
	return true
}

// sameBits compares numbers, and flags by their names. Of capabilities the plan has the
// number, strace the names.
func sameBits(plan, trace string) bool {
	trace, _, _ = strings.Cut(trace, " /*")
	if n, err := strconv.ParseUint(plan, 0, 64); err == nil && strings.HasPrefix(trace, "1<<") {
		return strings.Count(trace, "1<<") == mathbits.OnesCount64(n)
	}
	p, t := bits(plan), bits(trace)
	if plan == "MFD_CLOEXEC|MFD_EXEC" {
		return strings.Contains(trace, "0x10") || trace == plan // older than Linux 6.3
	}
	if n, err := strconv.ParseUint(trace, 0, 64); err == nil && strings.HasPrefix(plan, "O_") {
		t = openFlags(n) // of ioctl TIOCGPTPEER
	}
	for b := range p {
		if !t[b] && b != "…" {
			return false
		}
	}
	return p["…"] || len(p) == len(t)
}

func openFlags(n uint64) map[string]bool {
	set := map[string]bool{}
	for name, bit := range map[string]uint64{"O_RDWR": unix.O_RDWR, "O_NOCTTY": unix.O_NOCTTY,
		"O_CLOEXEC": unix.O_CLOEXEC} {
		if n&bit != 0 {
			set[name] = true
			n &^= bit
		}
	}
	if n != 0 {
		set[strconv.FormatUint(n, 10)] = true
	}
	return set
}

var numbers = regexp.MustCompile(`\b(0x[0-9a-f]+|\d+)(\*\d+)?\b`)

// bits is the set of names in A|B|C, numbers in one notation, without those that are
// zero.
func bits(word string) map[string]bool {
	set := map[string]bool{}
	word = strings.ReplaceAll(word, "MOUNT_ATTR__ATIME", "MOUNT_ATTR_NOATIME|MOUNT_ATTR_STRICTATIME|0x40")
	for b := range strings.SplitSeq(word, "|") {
		b = numbers.ReplaceAllStringFunc(b, func(n string) string {
			product := int64(1)
			for factor := range strings.SplitSeq(n, "*") {
				f, _ := strconv.ParseInt(factor, 0, 64)
				product *= f
			}
			return strconv.FormatInt(product, 10)
		})
		switch b {
		case "~0U":
			b = "4294967295"
		case "0", "O_RDONLY", "AT_STATX_SYNC_AS_STAT", "IPPROTO_IP":
			continue
		}
		set[b] = true
	}
	return set
}

// quoted is the value of a C string literal.
func quoted(literal string) string {
	s, _ := strconv.Unquote(literal)
	return s
}
