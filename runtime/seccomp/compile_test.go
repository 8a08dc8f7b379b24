package seccomp

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func ExampleFilter_String() {
	f, err := Compile(&specs.LinuxSeccomp{
		DefaultAction: specs.ActErrno,
		Syscalls: []specs.LinuxSyscall{
			{Names: []string{"read", "write", "exit_group"}, Action: specs.ActAllow},
			{Names: []string{"lseek"}, Action: specs.ActKillProcess, Args: []specs.LinuxSeccompArg{
				{Index: 1, Value: 1 << 40, Op: specs.OpGreaterThan},
			}},
		},
	}, "amd64")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(f)
	// Output:
	// 0  ld arch
	//    1  jeq AUDIT_ARCH_X86_64      then 3
	//    2  ret KILL_PROCESS
	//    3  ld nr
	//    4  jge 9 mmap                 then 16
	//    5  jge 2 open                 then 7
	//    6  ret ALLOW
	//    7  jge 8 lseek                then 9
	//    8  ret ERRNO(EPERM)
	//    9  ld args[1].high
	//   10  jgt 0x100                  then 14
	//   11  jeq 0x100                  else 15
	//   12  ld args[1].low
	//   13  jgt 0x0                    else 15
	//   14  ret KILL_PROCESS
	//   15  ret ERRNO(EPERM)
	//   16  jge 231 exit_group         then 18
	//   17  ret ERRNO(EPERM)
	//   18  jge 232 epoll_wait         then 20
	//   19  ret ALLOW
	//   20  ret ERRNO(ENOSYS)
}

func TestOperators(t *testing.T) {
	const big = 1<<32 | 5
	for _, test := range []struct {
		op      specs.LinuxSeccompOperator
		value   uint64
		two     uint64
		yes, no []uint64
	}{
		{specs.OpEqualTo, big, 0, []uint64{big}, []uint64{5, big + 1, 2<<32 | 5, 0}},
		{specs.OpNotEqual, big, 0, []uint64{5, big + 1, 2<<32 | 5}, []uint64{big}},
		{specs.OpGreaterThan, big, 0, []uint64{big + 1, 2 << 32, math.MaxUint64},
			[]uint64{big, big - 1, 6, math.MaxUint32}},
		{specs.OpGreaterEqual, big, 0, []uint64{big, big + 1, 2 << 32}, []uint64{big - 1, 6, math.MaxUint32}},
		{specs.OpLessThan, big, 0, []uint64{big - 1, 6, math.MaxUint32, 0}, []uint64{big, big + 1, 2 << 32}},
		{specs.OpLessEqual, big, 0, []uint64{big, big - 1, 6, math.MaxUint32}, []uint64{big + 1, 2 << 32}},
		{specs.OpMaskedEqual, 0xff << 32, 7 << 32, []uint64{7 << 32, 0x107<<32 | 99}, []uint64{7, 6 << 32, 0}},
		{specs.OpMaskedEqual, 0xffffffff, 5, []uint64{5, big}, []uint64{6, 1<<32 | 6}},
		{specs.OpMaskedEqual, 0xff, 0x105, []uint64{5, 0x305}, []uint64{6, 0}},
		{specs.OpMaskedEqual, 0, 0, []uint64{0, big, math.MaxUint64}, nil},
	} {
		f := mustCompile(t, &specs.LinuxSeccomp{
			DefaultAction: specs.ActErrno,
			Syscalls: []specs.LinuxSyscall{{
				Names: []string{"dup3"}, Action: specs.ActAllow,
				Args: []specs.LinuxSeccompArg{{Index: 2, Value: test.value, ValueTwo: test.two, Op: test.op}},
			}},
		}, "amd64")
		for _, arg := range test.yes {
			if run(f.Program, sys(t, "amd64", "dup3", 0, 0, arg)) != unix.SECCOMP_RET_ALLOW {
				t.Errorf("%#x %s %#x %#x does not match", arg, test.op, test.value, test.two)
			}
		}
		for _, arg := range test.no {
			if run(f.Program, sys(t, "amd64", "dup3", 0, 0, arg)) == unix.SECCOMP_RET_ALLOW {
				t.Errorf("%#x %s %#x %#x matches", arg, test.op, test.value, test.two)
			}
		}
	}
}

func TestAnswers(t *testing.T) {
	errno := func(n uint) *uint { return &n }
	for _, test := range []struct {
		action specs.LinuxSeccompAction
		errno  *uint
		want   uint32
		wrong  string
	}{
		{action: specs.ActKill, want: 0},
		{action: specs.ActKillThread, want: 0},
		{action: specs.ActKillProcess, want: 0x80000000},
		{action: specs.ActTrap, want: 0x30000},
		{action: specs.ActErrno, want: 0x50001},
		{action: specs.ActErrno, errno: errno(38), want: 0x50026},
		{action: specs.ActErrno, errno: errno(0), want: 0x50000},
		{action: specs.ActTrace, want: 0x7ff00001},
		{action: specs.ActTrace, errno: errno(0xffff), want: 0x7ff0ffff},
		{action: specs.ActLog, want: 0x7ffc0000},
		{action: specs.ActNotify, want: 0x7fc00000},
		{action: specs.ActErrno, errno: errno(4096), wrong: "errnoRet 4096 is greater than 4095"},
		{action: specs.ActTrace, errno: errno(0x10000), wrong: "errnoRet 65536 is greater than 65535"},
		{action: specs.ActKillProcess, errno: errno(1), wrong: "takes no errno"},
		{action: "SCMP_ACT_ALOW", wrong: `unknown action "SCMP_ACT_ALOW"`},
	} {
		f, err := Compile(&specs.LinuxSeccomp{
			DefaultAction: specs.ActAllow,
			Syscalls:      []specs.LinuxSyscall{{Names: []string{"dup"}, Action: test.action, ErrnoRet: test.errno}},
		}, "arm64")
		if test.wrong != "" {
			text := fmt.Sprint(err)
			if !strings.Contains(text, test.wrong) || !strings.Contains(text, "syscalls[0] (dup)") {
				t.Errorf("%s: error %v, want %s", test.action, err, test.wrong)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if got := run(f.Program, sys(t, "arm64", "dup")); got != test.want {
			t.Errorf("%s: %#x, want %#x", test.action, got, test.want)
		}
		if f.Notify != (test.action == specs.ActNotify) {
			t.Errorf("%s: Notify is %v", test.action, f.Notify)
		}
	}
}

func TestFlags(t *testing.T) {
	type flags = []specs.LinuxSeccompFlag
	const waitKillable = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"
	notify := []specs.LinuxSyscall{{Names: []string{"mount"}, Action: specs.ActNotify}}
	for _, test := range []struct {
		flags flags
		calls []specs.LinuxSyscall
		want  uint
		wrong string
	}{
		{want: 0},
		{flags: flags{"SECCOMP_FILTER_FLAG_TSYNC"}, want: 0},
		{flags: flags{"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"}, want: 6},
		{calls: notify, want: 8},
		{flags: flags{waitKillable}, calls: notify, want: 0x28},
		{flags: flags{waitKillable}, wrong: "without a rule of SCMP_ACT_NOTIFY"},
		{flags: flags{"LOG"}, wrong: `unknown flag "LOG"`},
	} {
		section := &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, Flags: test.flags, Syscalls: test.calls}
		f, err := Compile(section, "amd64")
		switch {
		case test.wrong != "":
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%v: error %v, want %s", test.flags, err, test.wrong)
			}
		case err != nil:
			t.Error(err)
		case f.Flags != test.want:
			t.Errorf("%v: flags %#x, want %#x", test.flags, f.Flags, test.want)
		}
	}
}

func TestRefused(t *testing.T) {
	allow := func(names ...string) []specs.LinuxSyscall {
		return []specs.LinuxSyscall{{Names: names, Action: specs.ActAllow}}
	}
	arg := func(a specs.LinuxSeccompArg) []specs.LinuxSyscall {
		return []specs.LinuxSyscall{{Names: []string{"dup"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{a}}}
	}
	many := make([]specs.LinuxSyscall, 2100)
	for i := range many {
		many[i] = arg(specs.LinuxSeccompArg{Value: uint64(i), Op: specs.OpEqualTo})[0]
	}
	type section = specs.LinuxSeccomp
	x64 := []specs.Arch{"SCMP_ARCH_X64"}
	equals, seventh := specs.LinuxSeccompArg{Op: "=="}, specs.LinuxSeccompArg{Index: 6, Op: specs.OpEqualTo}
	for _, test := range []struct {
		section section
		goarch  string
		want    string
	}{
		{section{}, "amd64", `defaultAction: unknown action ""`},
		{section{DefaultAction: specs.ActNotify}, "amd64", "defaultAction: SCMP_ACT_NOTIFY"},
		{section{DefaultAction: specs.ActAllow}, "riscv64", "no table of system calls for riscv64"},
		{section{DefaultAction: specs.ActAllow, Architectures: x64}, "amd64", `unknown architecture "SCMP_ARCH_X64"`},
		{section{DefaultAction: specs.ActErrno, Syscalls: allow()}, "amd64", "syscalls[0] (nameless): names: empty"},
		{section{DefaultAction: specs.ActErrno, Syscalls: arg(seventh)}, "amd64", "argument index 6"},
		{section{DefaultAction: specs.ActErrno, Syscalls: arg(equals)}, "amd64", `unknown operator "=="`},
		{section{DefaultAction: specs.ActErrno, Syscalls: many}, "amd64", "the kernel takes at most 4096"},
	} {
		if _, err := Compile(&test.section, test.goarch); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %s", err, test.want)
		}
	}
}

func TestUnknownNamesAreReported(t *testing.T) {
	f := mustCompile(t, &specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow,
		Syscalls:      []specs.LinuxSyscall{{Names: []string{"keyclt", "open", "chown32"}, Action: specs.ActErrno}},
	}, "arm64")
	if !slices.Equal(f.Unknown, []string{"keyclt"}) { // open and chown32 are calls of other ABIs
		t.Errorf("Unknown is %q", f.Unknown)
	}
}

// Several rules of one call: with and without tests, in either order.
func TestPrecedence(t *testing.T) {
	type call = specs.LinuxSyscall
	rule := func(action specs.LinuxSeccompAction, args ...specs.LinuxSeccompArg) call {
		return call{Names: []string{"dup"}, Action: action, Args: args}
	}
	five := specs.LinuxSeccompArg{Value: 5, Op: specs.OpEqualTo}
	six := specs.LinuxSeccompArg{Value: 6, Op: specs.OpEqualTo}
	second := specs.LinuxSeccompArg{Index: 1, Value: 7, Op: specs.OpEqualTo}
	allow, kill, errno := specs.ActAllow, specs.ActKillProcess, specs.ActErrno
	for _, test := range []struct {
		calls []call
		args  []uint64
		want  specs.LinuxSeccompAction
	}{
		{[]call{rule(allow), rule(kill)}, []uint64{5}, allow},
		{[]call{rule(kill), rule(allow)}, []uint64{5}, kill},
		{[]call{rule(allow), rule(kill, five)}, []uint64{5}, kill},
		{[]call{rule(kill, five), rule(allow)}, []uint64{5}, kill},
		{[]call{rule(kill, five), rule(allow)}, []uint64{6}, allow},
		{[]call{rule(allow, five), rule(kill)}, []uint64{5}, kill},
		{[]call{rule(allow, five), rule(kill, five)}, []uint64{5}, kill},
		{[]call{rule(allow, five), rule(allow, six)}, []uint64{6}, allow},
		{[]call{rule(allow, five), rule(allow, six)}, []uint64{7}, errno},
		{[]call{rule(allow, five, second)}, []uint64{5, 7}, allow},
		{[]call{rule(allow, five, second)}, []uint64{5, 8}, errno},
		{[]call{rule(allow, five, second)}, []uint64{6, 7}, errno},
		{[]call{rule(allow, five, six)}, []uint64{6}, allow}, // the same argument twice: or
		{[]call{rule(allow, five, second, six)}, []uint64{0, 7}, allow},
	} {
		f := mustCompile(t, &specs.LinuxSeccomp{DefaultAction: errno, Syscalls: test.calls}, "amd64")
		want, err := returnValue(test.want, nil)
		testkit.Check(t, err)
		if got := run(f.Program, sys(t, "amd64", "dup", test.args...)); got != want {
			t.Errorf("%+v with %d: %s, want %s", test.calls, test.args, returnText(got), test.want)
		}
	}
}

// naive returns what the section says of a call, rule by rule.
func naive(s *specs.LinuxSeccomp, goarch string, d data) uint32 {
	var abi string
	nr := int(d.nr)
	listed := func(arch specs.Arch) bool { return slices.Contains(s.Architectures, arch) }
	switch {
	case goarch == "amd64" && d.arch == unix.AUDIT_ARCH_X86_64 && nr < 1<<30:
		abi = "amd64"
	case goarch == "amd64" && d.arch == unix.AUDIT_ARCH_X86_64 && listed(specs.ArchX32):
		abi, nr = "x32", nr-1<<30
	case goarch == "amd64" && d.arch == unix.AUDIT_ARCH_X86_64:
		return enosys
	case goarch == "amd64" && d.arch == unix.AUDIT_ARCH_I386 && listed(specs.ArchX86):
		abi = "386"
	case goarch == "arm64" && d.arch == unix.AUDIT_ARCH_AARCH64:
		abi = "arm64"
	case goarch == "arm64" && d.arch == unix.AUDIT_ARCH_ARM && listed(specs.ArchARM):
		abi = "arm"
	default:
		return unix.SECCOMP_RET_KILL_PROCESS
	}
	must := func(action specs.LinuxSeccompAction, errno *uint) uint32 {
		word, err := returnValue(action, errno)
		if err != nil {
			panic(err)
		}
		return word
	}
	newest := -1
	words := []uint32{}
	general, named := false, false
	for _, call := range s.Syscalls {
		for _, name := range call.Names {
			n, ok := Number(abi, name)
			if !ok {
				continue
			}
			if n < 512 { // above are private calls of x32 and ARM
				newest = max(newest, n)
			}
			named = named || n == nr
			if n != nr || len(call.Args) == 0 && general {
				continue
			}
			if len(call.Args) == 0 {
				general = true
			}
			if matches(call.Args, d.args, abi) {
				words = append(words, must(call.Action, call.ErrnoRet))
			}
		}
	}
	if len(words) > 0 {
		slices.SortStableFunc(words, func(a, b uint32) int {
			return int(int32(a&0xffff0000)>>16) - int(int32(b&0xffff0000)>>16)
		})
		return words[0]
	}
	switch s.DefaultAction {
	case specs.ActAllow, specs.ActLog, specs.ActTrace:
	default:
		if newest >= 0 && nr > newest && !named {
			return enosys
		}
	}
	return must(s.DefaultAction, s.DefaultErrnoRet)
}

func matches(tests []specs.LinuxSeccompArg, args [6]uint64, abi string) bool {
	all, any, repeated := true, false, false
	var seen [6]bool
	for _, test := range tests {
		a, v, two := args[test.Index], test.Value, test.ValueTwo
		if abi == "386" || abi == "arm" {
			a, v, two = a&0xffffffff, v&0xffffffff, two&0xffffffff
		}
		yes := map[specs.LinuxSeccompOperator]bool{
			specs.OpEqualTo: a == v, specs.OpNotEqual: a != v,
			specs.OpLessThan: a < v, specs.OpLessEqual: a <= v,
			specs.OpGreaterThan: a > v, specs.OpGreaterEqual: a >= v,
			specs.OpMaskedEqual: a&v == two&v,
		}[test.Op]
		all, any = all && yes, any || yes
		repeated = repeated || seen[test.Index]
		seen[test.Index] = true
	}
	if repeated {
		return any
	}
	return all
}

// FuzzCompile compares the program with a naive reading of the section, for sections
// and calls made from a seed.
func FuzzCompile(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 18))
		goarch := []string{"amd64", "arm64"}[r.IntN(2)]
		s := randomSection(r)
		filter := mustCompile(t, s, goarch)
		for range 200 {
			d := randomCall(r, s)
			if got, want := run(filter.Program, d), naive(s, goarch, d); got != want {
				t.Fatalf("%s: %+v: %s, want %s\n%+v\n%s", goarch, d, returnText(got), returnText(want), s, filter)
			}
		}
	})
}

var interesting = []uint64{
	0, 1, 5, 38, 40, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<32 | 5, 1<<32 | 40, 1<<63 - 1, 1 << 63, math.MaxUint64,
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func randomSection(r *rand.Rand) *specs.LinuxSeccomp {
	actions := []specs.LinuxSeccompAction{
		specs.ActKill, specs.ActKillProcess, specs.ActTrap, specs.ActErrno, specs.ActTrace, specs.ActAllow,
		specs.ActLog,
	}
	s := &specs.LinuxSeccomp{DefaultAction: pick(r, actions...)}
	for _, arch := range []specs.Arch{specs.ArchX86_64, specs.ArchX86, specs.ArchX32, specs.ArchARM, specs.ArchS390X} {
		if r.IntN(2) == 0 {
			s.Architectures = append(s.Architectures, arch)
		}
	}
	few := 1 + r.IntN(len(table))
	for range r.IntN(16) {
		call := specs.LinuxSyscall{Action: pick(r, append(actions, specs.ActNotify)...)}
		if call.Action == specs.ActErrno {
			errno := uint(r.IntN(maxErrno + 1))
			call.ErrnoRet = &errno
		}
		for range 1 + r.IntN(12) {
			call.Names = append(call.Names, table[r.IntN(few)].name)
		}
		for range r.IntN(4) * r.IntN(2) {
			call.Args = append(call.Args, specs.LinuxSeccompArg{
				Index: uint(r.IntN(3)), Value: pick(r, interesting...), ValueTwo: pick(r, interesting...),
				Op: pick(r, specs.OpEqualTo, specs.OpNotEqual, specs.OpLessThan, specs.OpLessEqual,
					specs.OpGreaterThan, specs.OpGreaterEqual, specs.OpMaskedEqual),
			})
		}
		s.Syscalls = append(s.Syscalls, call)
	}
	return s
}

func randomCall(r *rand.Rand, s *specs.LinuxSeccomp) data {
	abi := pick(r, "amd64", "x32", "386", "arm64", "arm")
	nr := pick(r, r.IntN(600), armPrivate+r.IntN(8), r.IntN(1<<30))
	if n := len(s.Syscalls); n > 0 && r.IntN(4) > 0 {
		if named, ok := Number(abi, pick(r, s.Syscalls[r.IntN(n)].Names...)); ok {
			nr = named + r.IntN(3)/2
		}
	}
	d := number(abi, nr)
	for i := range d.args[:3] {
		d.args[i] = pick(r, interesting...) + uint64(r.IntN(2))
	}
	return d
}
