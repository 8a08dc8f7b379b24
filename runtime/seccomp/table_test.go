package seccomp

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTable(t *testing.T) {
	if !slices.IsSortedFunc(table[:], func(a, b call) int { return strings.Compare(a.name, b.name) }) {
		t.Error("the table is not sorted by name")
	}
	for _, test := range []struct {
		abi, name string
		nr        int
	}{
		{"amd64", "read", 0},
		{"amd64", "openat", 257}, {"386", "openat", 295}, {"arm64", "openat", 56}, {"arm", "openat", 322},
		{"amd64", "ioctl", 16}, {"x32", "ioctl", 514}, {"x32", "read", 0}, {"386", "socketcall", 102},
		{"arm64", "newfstatat", 79}, {"arm", "set_tls", 983045}, {"x32", "listns", 470},
	} {
		if nr, ok := Number(test.abi, test.name); !ok || nr != test.nr {
			t.Errorf("Number(%s, %s) = %d, %v; want %d", test.abi, test.name, nr, ok, test.nr)
		}
		if name := Name(test.abi, test.nr); name != test.name {
			t.Errorf("Name(%s, %d) = %q, want %q", test.abi, test.nr, name, test.name)
		}
	}
	for _, test := range []struct{ abi, name string }{
		{"arm64", "open"}, {"amd64", "socketcall"}, {"amd64", ""}, {"mips", "read"},
	} {
		if nr, ok := Number(test.abi, test.name); ok {
			t.Errorf("Number(%s, %q) = %d, want none", test.abi, test.name, nr)
		}
	}
	for _, nr := range []int{-1, 400, 5000} {
		if name := Name("amd64", nr); name != "" {
			t.Errorf("Name(amd64, %d) = %q, want none", nr, name)
		}
	}
}

func TestTableAgreesWithUnix(t *testing.T) {
	for name, nr := range map[string]int{
		"execve": unix.SYS_EXECVE, "seccomp": unix.SYS_SECCOMP, "listns": unix.SYS_LISTNS,
	} {
		if got, ok := Number(runtime.GOARCH, name); !ok || got != nr {
			t.Errorf("Number(%s, %s) = %d, %v; want %d", runtime.GOARCH, name, got, ok, nr)
		}
	}
}
