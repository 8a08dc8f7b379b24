package seccomp

// The name of a system call is the same in every ABI, its number is not: openat is 257
// for a 64-bit program on a PC, 295 for a 32-bit one on the same machine, and 56 on
// arm64. A filter that does not test the ABI first can be bypassed.
//
// ztable.go has a row for each call and a column for each ABI, sorted by name. It is
// plain data in the binary: nothing is computed at start-up.

import (
	"sort"
	"strings"
)

//go:generate go run ./internal/mktable
//go:generate gofmt -w ztable.go

// The columns of the table.
const (
	amd64 = iota
	i386
	x32
	arm64
	arm
	abis
)

type (
	call struct {
		name    string
		numbers numbers
	}
	numbers [abis]int32 // -1 where the ABI does not have the call
)

// lookup returns the row of a call, or nil for a name that no ABI has.
func lookup(name string) *call {
	i, found := sort.Find(len(table), func(i int) int { return strings.Compare(name, table[i].name) })
	if !found {
		return nil
	}
	return &table[i]
}

func column(goarch string) (int, bool) {
	switch goarch {
	case "amd64":
		return amd64, true
	case "386":
		return i386, true
	case "x32":
		return x32, true
	case "arm64":
		return arm64, true
	case "arm":
		return arm, true
	}
	return 0, false
}

// Name returns the name of a system call: Name("amd64", 257) is "openat". It returns ""
// for an unused number. The ABI is a GOARCH (amd64, 386, arm64, arm) or "x32", whose
// numbers are without the x32 bit.
func Name(goarch string, nr int) string {
	col, ok := column(goarch)
	if !ok || nr < 0 {
		return ""
	}
	for i := range table {
		if int(table[i].numbers[col]) == nr {
			return table[i].name
		}
	}
	return ""
}

// Number returns the number of a system call, the reverse of Name, and false if the
// ABI does not have it.
func Number(goarch, name string) (int, bool) {
	col, ok := column(goarch)
	if !ok {
		return 0, false
	}
	c := lookup(name)
	if c == nil || c.numbers[col] < 0 {
		return 0, false
	}
	return int(c.numbers[col]), true
}
