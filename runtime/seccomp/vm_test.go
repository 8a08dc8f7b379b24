package seccomp

import (
	"fmt"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// data is struct seccomp_data: one system call.
type data struct {
	nr, arch uint32
	args     [6]uint64
}

func (d data) word(offset uint32) uint32 {
	switch {
	case offset == offNr:
		return d.nr
	case offset == offArch:
		return d.arch
	}
	return uint32(d.args[(offset-offArgs)/8] >> (offset % 8 * 8))
}

// run runs a filter as the kernel does.
func run(p program, d data) uint32 {
	var a uint32
	for pc := 0; ; pc++ {
		in := p[pc]
		skip := in.Jf
		switch in.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			a = d.word(in.K)
			continue
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= in.K
			continue
		case unix.BPF_RET | unix.BPF_K:
			return in.K
		case unix.BPF_JMP | unix.BPF_JA:
			pc += int(in.K)
			continue
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			if a == in.K {
				skip = in.Jt
			}
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			if a > in.K {
				skip = in.Jt
			}
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			if a >= in.K {
				skip = in.Jt
			}
		default:
			panic(fmt.Sprintf("instruction %d: code %#x", pc, in.Code))
		}
		pc += int(skip)
	}
}

// mustCompile compiles a section without errors.
func mustCompile(t testing.TB, s *specs.LinuxSeccomp, goarch string) *Filter {
	t.Helper()
	f, err := Compile(s, goarch)
	testkit.Check(t, err)
	return f
}

// sys returns a call of an ABI by name.
func sys(t testing.TB, abi, name string, args ...uint64) data {
	t.Helper()
	nr, ok := Number(abi, name)
	if !ok {
		t.Fatalf("%s has no %s", abi, name)
	}
	return number(abi, nr, args...)
}

// number returns a call of an ABI by number.
func number(abi string, nr int, args ...uint64) data {
	d := data{nr: uint32(nr), arch: map[string]uint32{
		"amd64": unix.AUDIT_ARCH_X86_64, "x32": unix.AUDIT_ARCH_X86_64, "386": unix.AUDIT_ARCH_I386,
		"arm64": unix.AUDIT_ARCH_AARCH64, "arm": unix.AUDIT_ARCH_ARM,
	}[abi]}
	if abi == "x32" {
		d.nr |= 1 << 30
	}
	copy(d.args[:], args)
	return d
}
