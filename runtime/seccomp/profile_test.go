package seccomp

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

var allCaps = []string{
	"CAP_BPF", "CAP_DAC_READ_SEARCH", "CAP_PERFMON", "CAP_SYSLOG", "CAP_SYS_ADMIN", "CAP_SYS_BOOT",
	"CAP_SYS_CHROOT", "CAP_SYS_MODULE", "CAP_SYS_NICE", "CAP_SYS_PACCT", "CAP_SYS_PTRACE",
	"CAP_SYS_RAWIO", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG",
}

// Docker's own resolution of its profile, on this machine, has the same action for
// every native call.
func TestDefaultAnswersAsDockers(t *testing.T) {
	sets := [][]string{nil, allCaps}
	for _, c := range allCaps {
		sets = append(sets, []string{c})
	}
	for _, caps := range sets {
		dockers, err := moby.GetDefaultProfile(&specs.Spec{Process: &specs.Process{
			Capabilities: &specs.LinuxCapabilities{Bounding: caps},
		}})
		testkit.Check(t, err)
		want := mustCompile(t, dockers, runtime.GOARCH).Program
		got := mustCompile(t, Default(runtime.GOARCH, caps), runtime.GOARCH).Program
		for nr := range 600 {
			for _, arg := range []uint64{0, 1, 8, 16, 37, 38, 40, 45, 46, 0x20008, 0xffffffff, unix.CLONE_NEWUSER} {
				d := number(runtime.GOARCH, nr, arg)
				if got, want := run(got, d), run(want, d); got != want {
					call := fmt.Sprintf("%s(%#x)", Name(runtime.GOARCH, nr), arg)
					t.Errorf("%s: %s: %s, Docker's %s", caps, call, returnText(got), returnText(want))
				}
			}
		}
	}
}

// wantReturn fails the test unless a filter returns want for a call.
func wantReturn(t *testing.T, what string, f *Filter, d data, want uint32) {
	t.Helper()
	if got := run(f.Program, d); got != want {
		t.Errorf("%s: %s, want %s", what, returnText(got), returnText(want))
	}
}

// Each call of row 18 of HARDENING.md, on both machines.
func TestDefaultProfileActions(t *testing.T) {
	const (
		allow = unix.SECCOMP_RET_ALLOW
		eperm = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		kill  = unix.SECCOMP_RET_KILL_PROCESS
	)
	for _, goarch := range []string{"amd64", "arm64"} {
		f := mustCompile(t, Default(goarch, nil), goarch)
		check := func(what string, d data, want uint32) {
			t.Helper()
			wantReturn(t, goarch+": "+what, f, d, want)
		}
		for _, high := range []uint64{0, 1 << 32, 0xffffffff << 32} {
			for family := range uint64(64) {
				want := allow
				if family == unix.AF_ALG || family == unix.AF_VSOCK || family > unix.AF_MCTP {
					want = int(eperm)
				}
				check(fmt.Sprintf("socket(%#x)", high|family), sys(t, goarch, "socket", high|family), uint32(want))
			}
			check("socket(1<<31)", sys(t, goarch, "socket", high|1<<31), eperm)
			check("personality(-1)", sys(t, goarch, "personality", high|0xffffffff), allow)
			check("personality(ADDR_NO_RANDOMIZE)", sys(t, goarch, "personality", high|0x40000), eperm)
		}
		for _, name := range []string{
			"keyctl", "add_key", "request_key", "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd",
			"mount", "unshare", "setns", "bpf", "perf_event_open", "kexec_load", "init_module", "open_by_handle_at",
		} {
			check(name, sys(t, goarch, name), eperm)
		}
		for _, flag := range []uint64{unix.CLONE_NEWNS, unix.CLONE_NEWUSER, unix.CLONE_NEWNET} {
			check("clone of a namespace", sys(t, goarch, "clone", flag), eperm)
		}
		check("clone3", sys(t, goarch, "clone3"), enosys)
		for _, nr := range []int{467, 471, 999, 1 << 20, 1<<30 - 1} {
			check(fmt.Sprintf("number %d", nr), number(goarch, nr), enosys)
		}
		check("fork by clone", sys(t, goarch, "clone", uint64(unix.SIGCHLD)), allow)
		for _, name := range []string{"read", "execve", "openat", "exit_group", "rt_sigreturn", "removexattrat"} {
			check(name, sys(t, goarch, name), allow)
		}
		for _, abi := range []string{"386", "arm"} {
			for nr := range 500 {
				check(fmt.Sprintf("%s call %d", abi, nr), number(abi, nr, unix.AF_INET), kill)
			}
		}
	}
	f := mustCompile(t, Default("amd64", nil), "amd64")
	for nr := range 600 {
		wantReturn(t, fmt.Sprintf("x32 call %d", nr), f, number("x32", nr, unix.AF_INET), enosys)
	}
}

func TestDefaultFollowsCapabilities(t *testing.T) {
	for _, test := range []struct{ capability, call string }{
		{"CAP_SYS_ADMIN", "mount"}, {"CAP_SYS_ADMIN", "clone3"}, {"CAP_SYS_CHROOT", "chroot"},
		{"CAP_SYS_TIME", "clock_settime"}, {"CAP_BPF", "bpf"}, {"CAP_SYS_PTRACE", "kcmp"},
	} {
		for _, goarch := range []string{"amd64", "arm64"} {
			without := mustCompile(t, Default(goarch, []string{"CAP_CHOWN"}), goarch)
			with := mustCompile(t, Default(goarch, []string{"CAP_CHOWN", test.capability}), goarch)
			d := sys(t, goarch, test.call)
			if run(without.Program, d) == unix.SECCOMP_RET_ALLOW || run(with.Program, d) != unix.SECCOMP_RET_ALLOW {
				t.Errorf("%s: %s does not depend on %s", goarch, test.call, test.capability)
			}
		}
	}
}

// Docker's profile in a file is Docker's: with the 32-bit companions, each filtered by
// its own numbers.
func TestParseDockersProfile(t *testing.T) {
	data, err := json.Marshal(moby.DefaultProfile())
	testkit.Check(t, err)
	for goarch, abis := range map[string][]string{"amd64": {"amd64", "386", "x32"}, "arm64": {"arm64", "arm"}} {
		s, err := Parse(data, goarch, nil)
		testkit.Check(t, err)
		f := mustCompile(t, s, goarch)
		for _, abi := range abis {
			for name, want := range map[string]uint32{
				"openat":         unix.SECCOMP_RET_ALLOW,
				"keyctl":         unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM),
				"open_tree_attr": enosys,
			} {
				wantReturn(t, abi+" on "+goarch+": "+name, f, sys(t, abi, name), want)
			}
		}
	}
}

func TestParse(t *testing.T) {
	plain := `{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
		"architectures": ["SCMP_ARCH_X86"], "flags": ["SECCOMP_FILTER_FLAG_LOG"],
		"syscalls": [
			{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 5, "op": "SCMP_CMP_EQ"}]},
			{"name": "write", "action": "SCMP_ACT_ALLOW", "comment": "the old spelling",
			 "includes": {"minKernel": "4.8", "arches": ["amd64"]}, "excludes": {"caps": ["CAP_SYS_ADMIN"]}}]}`
	s, err := Parse([]byte(plain), "amd64", nil)
	testkit.Check(t, err)
	f := mustCompile(t, s, "amd64")
	if f.Flags != unix.SECCOMP_FILTER_FLAG_LOG {
		t.Errorf("flags %#x", f.Flags)
	}
	for _, d := range []data{sys(t, "386", "read", 5), sys(t, "amd64", "read", 5), sys(t, "amd64", "write")} {
		wantReturn(t, fmt.Sprintf("%+v", d), f, d, unix.SECCOMP_RET_ALLOW)
	}
	if s, err = Parse([]byte(plain), "amd64", []string{"CAP_SYS_ADMIN"}); err != nil || len(s.Syscalls) != 1 {
		t.Errorf("the second entry is excluded with CAP_SYS_ADMIN: %v %+v", err, s)
	}
	if s, err = Parse([]byte(plain), "arm64", nil); err != nil || len(s.Syscalls) != 1 {
		t.Errorf("the second entry is for amd64 only: %v %+v", err, s)
	}
}

func TestParseRefuses(t *testing.T) {
	const errno = `{"defaultAction": "SCMP_ACT_ERRNO"`
	for profile, want := range map[string]string{
		`{}`:                       "defaultAction: missing",
		errno + `, "syscall": []}`: `unknown field "syscall"`,
		errno + `, "syscalls": [{"names": ["read"], "arg": []}]}`:              `unknown field "arg"`,
		errno + `, "syscalls": [{"names": ["read"], "includes": {"cap": 1}}]}`: `unknown field "cap"`,
		errno + `, "syscalls": [{"name": "a", "names": ["b"]}]}`:               `name and names exclude each other`,
		errno + `, "syscalls": [null]}`:                                        "syscalls[0]: null",
		errno + `} {}`:                                                         "more data",
		errno + `, "architectures": ["X86"], "archMap": [{}]}`:                 "architectures: excludes archMap",
		errno: "unexpected EOF",
		`[]`:  "cannot unmarshal",
	} {
		_, err := Parse([]byte(profile), "amd64", nil)
		text := fmt.Sprint(err)
		if !strings.Contains(text, want) || !strings.HasPrefix(text, "parse seccomp profile: ") {
			t.Errorf("%s: error %v, want %s", profile, err, want)
		}
	}
}

func BenchmarkDefault(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(Default("amd64", nil), "amd64"); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzParse: for any file of --security-opt seccomp=FILE there is an error, or a section
// whose program answers every call.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_ALLOW","archMap":[{"architecture":"SCMP_ARCH_X86_64",` +
		`"subArchitectures":["SCMP_ARCH_X86"]}],"syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO",` +
		`"errnoRet":1,"args":[{"index":0,"value":7,"op":"SCMP_CMP_EQ"}],"includes":{"caps":["CAP_CHOWN"],` +
		`"arches":["amd64"]},"excludes":{"minKernel":"4.8"}}]}`))
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_KILL","syscalls":[{"name":"read","action":"SCMP_ACT_NOTIFY"},null]}`))
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_LOG","flags":["SECCOMP_FILTER_FLAG_LOG"],"defaultErrnoRet":99999}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data, "amd64", []string{"CAP_CHOWN"})
		if err != nil {
			return
		}
		filter, err := Compile(s, "amd64")
		if err != nil {
			return
		}
		for nr := range 600 {
			run(filter.Program, number("amd64", nr)) // panics if the program runs off its end
		}
	})
}
