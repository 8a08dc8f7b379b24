package seccomp

// A system call's name is the same everywhere, its number is not: openat is
// 257 for a 64-bit program on a PC, 295 for a 32-bit one on the same machine,
// and 56 on arm64. Who sees 257 without the ABI knows nothing, and a filter
// that does not look at the ABI first can be walked around.
//
// ztable.go has one row a call and one column an ABI, sorted by name. It is
// plain data in the binary: nothing is built at start-up.

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

// lookup returns the row of a call, or nil for a name that no ABI knows.
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

// Name returns the name of a system call: Name("amd64", 257) is "openat". It
// returns "" for a number nobody uses. The ABI is a GOARCH (amd64, 386, arm64,
// arm) or "x32", whose numbers are given without their x32 bit.
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

// Number returns the number of a system call, the reverse of Name. It reports
// false where this ABI does not have the call.
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
