package seccomp

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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

func sectionOf(action specs.LinuxSeccompAction, rules ...specs.LinuxSyscall) *specs.LinuxSeccomp {
	return &specs.LinuxSeccomp{DefaultAction: action, Syscalls: rules}
}

func ruleOf(name string, action specs.LinuxSeccompAction, args ...specs.LinuxSeccompArg) specs.LinuxSyscall {
	return specs.LinuxSyscall{Names: []string{name}, Action: action, Args: args}
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
		arg := specs.LinuxSeccompArg{Index: 2, Value: test.value, ValueTwo: test.two, Op: test.op}
		f := mustCompile(t, sectionOf(specs.ActErrno, ruleOf("dup3", specs.ActAllow, arg)), "amd64")
		for want, values := range map[bool][]uint64{true: test.yes, false: test.no} {
			for _, v := range values {
				if got := run(f.Program, sys(t, "amd64", "dup3", 0, 0, v)) == unix.SECCOMP_RET_ALLOW; got != want {
					t.Errorf("%#x %s %#x %#x: matches %v", v, test.op, test.value, test.two, got)
				}
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
		dup := ruleOf("dup", test.action)
		dup.ErrnoRet = test.errno
		f, err := Compile(sectionOf(specs.ActAllow, dup), "arm64")
		if test.wrong != "" {
			testkit.WantError(t, string(test.action), err, test.wrong)
			testkit.WantError(t, string(test.action), err, "syscalls[0] (dup)")
			continue
		}
		testkit.Check(t, err)
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
	notify := []specs.LinuxSyscall{ruleOf("mount", specs.ActNotify)}
	for _, test := range []struct {
		flags flags
		calls []specs.LinuxSyscall
		want  uint
		wrong string
	}{
		{want: 4},
		{flags: flags{}, want: 0},
		{flags: flags{"SECCOMP_FILTER_FLAG_TSYNC"}, want: 0},
		{flags: flags{"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"}, want: 6},
		{calls: notify, want: 12},
		{flags: flags{}, calls: notify, want: 8},
		{flags: flags{waitKillable}, calls: notify, want: 0x28},
		{flags: flags{waitKillable}, wrong: "without a rule of SCMP_ACT_NOTIFY"},
		{flags: flags{"LOG"}, wrong: `unknown flag "LOG"`},
	} {
		s := sectionOf(specs.ActAllow, test.calls...)
		s.Flags = test.flags
		f, err := Compile(s, "amd64")
		if test.wrong != "" {
			testkit.WantError(t, fmt.Sprint(test.flags), err, test.wrong)
		} else if err != nil || f.Flags != test.want {
			t.Errorf("%v: %+v, %v, want flags %#x", test.flags, f, err, test.want)
		}
	}
}

func TestInvalidSectionRefused(t *testing.T) {
	many := make([]specs.LinuxSyscall, 2100)
	for i := range many {
		many[i] = ruleOf("dup", specs.ActAllow, specs.LinuxSeccompArg{Value: uint64(i), Op: specs.OpEqualTo})
	}
	x64 := sectionOf(specs.ActAllow)
	x64.Architectures = []specs.Arch{"SCMP_ARCH_X64"}
	for want, s := range map[string]*specs.LinuxSeccomp{
		`defaultAction: unknown action ""`:     {},
		"defaultAction: SCMP_ACT_NOTIFY":       sectionOf(specs.ActNotify),
		`unknown architecture "SCMP_ARCH_X64"`: x64,
		"syscalls[0] (nameless): names: empty": sectionOf(specs.ActErrno, specs.LinuxSyscall{Action: specs.ActAllow}),
		"argument index 6": sectionOf(specs.ActErrno,
			ruleOf("dup", specs.ActAllow, specs.LinuxSeccompArg{Index: 6, Op: specs.OpEqualTo})),
		`unknown operator "=="`: sectionOf(specs.ActErrno,
			ruleOf("dup", specs.ActAllow, specs.LinuxSeccompArg{Op: "=="})),
		"the kernel takes at most 4096": sectionOf(specs.ActErrno, many...),
	} {
		_, err := Compile(s, "amd64")
		testkit.WantError(t, "amd64", err, want)
	}
	_, err := Compile(sectionOf(specs.ActAllow), "riscv64")
	testkit.WantError(t, "riscv64", err, "no table of system calls for riscv64")
}

// TestUnknownNamesReported: but not those of calls of other ABIs.
func TestUnknownNamesReported(t *testing.T) {
	calls := specs.LinuxSyscall{Names: []string{"keyclt", "open", "chown32"}, Action: specs.ActErrno}
	f := mustCompile(t, sectionOf(specs.ActAllow, calls), "arm64")
	if !slices.Equal(f.Unknown, []string{"keyclt"}) {
		t.Errorf("Unknown is %q", f.Unknown)
	}
}

// TestPrecedence: of several rules of one call, with and without tests.
func TestPrecedence(t *testing.T) {
	type rules = []specs.LinuxSyscall
	dup := func(action specs.LinuxSeccompAction, args ...specs.LinuxSeccompArg) specs.LinuxSyscall {
		return ruleOf("dup", action, args...)
	}
	five := specs.LinuxSeccompArg{Value: 5, Op: specs.OpEqualTo}
	six := specs.LinuxSeccompArg{Value: 6, Op: specs.OpEqualTo}
	second := specs.LinuxSeccompArg{Index: 1, Value: 7, Op: specs.OpEqualTo}
	allow, kill, errno := specs.ActAllow, specs.ActKillProcess, specs.ActErrno
	for _, test := range []struct {
		rules rules
		args  []uint64
		want  specs.LinuxSeccompAction
	}{
		{rules{dup(allow), dup(kill)}, []uint64{5}, allow},
		{rules{dup(kill), dup(allow)}, []uint64{5}, kill},
		{rules{dup(allow), dup(kill, five)}, []uint64{5}, kill},
		{rules{dup(kill, five), dup(allow)}, []uint64{5}, kill},
		{rules{dup(kill, five), dup(allow)}, []uint64{6}, allow},
		{rules{dup(allow, five), dup(kill)}, []uint64{5}, kill},
		{rules{dup(allow, five), dup(kill, five)}, []uint64{5}, kill},
		{rules{dup(allow, five), dup(allow, six)}, []uint64{6}, allow},
		{rules{dup(allow, five), dup(allow, six)}, []uint64{7}, errno},
		{rules{dup(allow, five, second)}, []uint64{5, 7}, allow},
		{rules{dup(allow, five, second)}, []uint64{5, 8}, errno},
		{rules{dup(allow, five, second)}, []uint64{6, 7}, errno},
		{rules{dup(allow, five, six)}, []uint64{6}, allow}, // the same argument twice: or
		{rules{dup(allow, five, second, six)}, []uint64{0, 7}, allow},
	} {
		f := mustCompile(t, sectionOf(errno, test.rules...), "amd64")
		want, err := returnValue(test.want, nil)
		testkit.Check(t, err)
		if got := run(f.Program, sys(t, "amd64", "dup", test.args...)); got != want {
			t.Errorf("%+v with %d: %s, want %s", test.rules, test.args, returnText(got), test.want)
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
	return all || repeated && any
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
