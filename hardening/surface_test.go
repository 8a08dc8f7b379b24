package hardening

// Rows 17 and 18: files of the kernel and system calls.

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// masked are the masked paths of HARDENING.md.
var masked = []string{
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
	"/sys/firmware", "/sys/devices/virtual/powercap", "/sys/devices/system/cpu/cpu0/thermal_throttle",
}

// TestMaskedPaths: masked for root with all capabilities, under each name.
func TestMaskedPaths(t *testing.T) {
	guard(t)
	if !exists("/proc/interrupts") || !exists("/proc/keys") || !exists("/sys/firmware/acpi") &&
		!exists("/sys/firmware/memmap") {
		t.Fatal("this kernel has too little that could be masked")
	}
	for _, flags := range [][]string{nil, {"--cap-add", "ALL"}, {"-u", "1000"}, {"--pid", "host"},
		{"--network", "host"}} {
		for _, by := range []string{"", "/proc/self/root", "/proc/1/root/../proc/../"} {
			if by == "/proc/1/root/../proc/../" && flags != nil {
				continue // pid 1 may be another user's
			}
			words := append(slices.Clone(flags), "--", "/probe", "open")
			for _, p := range masked {
				words = append(words, by+p)
			}
			r := box(t, words...)
			r.want(t, 0)
			for _, p := range masked {
				if got := r.line(by + p); got != "empty" && got != "ENOENT" && got != "EACCES" {
					t.Errorf("%v: %s%s: %s", flags, by, p, got)
				}
			}
		}
	}
}

// TestNoUnmaskedProcMounted: a process that gets CAP_SYS_ADMIN in a user namespace of its own
// cannot mount a procfs or sysfs without the masks of the container's, with --no-pivot too,
// where the host's stay in its mount namespace.
func TestNoUnmaskedProcMounted(t *testing.T) {
	guard(t)
	const attempt = "unshare -mrpf sh -c 'mount -t proc none /proc && ls -d /proc/kcore'; " +
		"unshare -mrnf sh -c 'mount -t sysfs none /sys && ls -d /sys/firmware'"
	for _, flag := range []string{"--no-pivot=false", "--no-pivot"} {
		for hooks, list := range map[string][]specs.Hook{"": nil, " with a hook": {shell("true")}} {
			b := newBundle(t, "sh", "-c", attempt)
			b.spec.Linux.Seccomp = nil // the default filter permits no user namespace
			caps := b.spec.Process.Capabilities
			for _, set := range []*[]string{&caps.Bounding, &caps.Effective, &caps.Permitted} {
				*set = append(*set, "CAP_SETFCAP")
			}
			b.spec.Hooks = &specs.Hooks{CreateRuntime: list}
			cmd := b.command(t)
			cmd.Args = slices.Insert(cmd.Args, 4, flag)
			r := run(cmd)
			r.untouched(t)
			refused := strings.Count(r.stderr, "mount: permission denied") +
				strings.Count(r.stderr, "unshare: unshare") // of a process after chroot(2)
			if r.stdout != "" || refused != 2 {
				t.Errorf("%s%s: %s%s", flag, hooks, r.stdout, r.stderr)
			}
		}
	}
}

// TestReadOnlyPaths: root writes no setting of the host.
func TestReadOnlyPaths(t *testing.T) {
	guard(t)
	files := []string{
		"/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/kernel/msgmax",
		"/proc/sys/vm/drop_caches", "/proc/sys/net/ipv4/ip_forward", "/proc/irq/default_smp_affinity",
		"/sys/kernel/mm/transparent_hugepage/enabled", "/sys/kernel/uevent_helper", "/sys/power/state",
	}
	files = slices.DeleteFunc(files, func(f string) bool { return !exists(f) })
	for _, flags := range [][]string{nil, {"--cap-add", "ALL"}, {"--pid", "host"}} {
		r := box(t, append(append(slices.Clone(flags), "--", "/probe", "write"), files...)...)
		r.want(t, 0)
		for _, f := range files {
			testkit.Equal(t, fmt.Sprintf("%v: write to %s", flags, f), r.line(f), "EROFS")
		}
	}
}

// TestDangerousCallsFiltered: calls of known attacks, made in a container. Without the
// filter each has another result.
func TestDangerousCallsFiltered(t *testing.T) {
	guard(t)
	filtered := map[string]string{
		"af_alg": "EPERM", "af_alg_hi": "EPERM", "af_vsock": "EPERM", "af_vsock_hi": "EPERM",
		"io_uring": "EPERM", "keyctl": "EPERM", "add_key": "EPERM", "userfaultfd": "EPERM",
		"bpf": "EPERM", "unshare_user": "EPERM", "fsopen": "EPERM", "clone3": "ENOSYS", "unknown": "ENOSYS",
		"af_inet": "ok", "getpid": "ok",
	}
	names := slices.Sorted(maps.Keys(filtered))
	free := box(t, append([]string{"--security-opt", "seccomp=unconfined", "--cap-add", "SYS_ADMIN", "--", "/probe",
		"calls"}, names...)...)
	for _, flags := range [][]string{nil, {"-u", "1000"}, {"--security-opt", "no-new-privileges=false"}} {
		r := box(t, append(append(slices.Clone(flags), "--", "/probe", "calls"), names...)...)
		r.want(t, 0)
		for _, n := range names {
			testkit.Equal(t, fmt.Sprintf("%v: %s", flags, n), r.line(n), filtered[n])
		}
	}
	for _, n := range names {
		if want := filtered[n]; strings.HasPrefix(want, "E") && free.line(n) == want && n != "unknown" {
			t.Errorf("%s is %s without a filter too: it proves nothing", n, want)
		}
	}
}

// TestOtherABIsFiltered: the other system call ABIs of an amd64 kernel are refused.
func TestOtherABIsFiltered(t *testing.T) {
	guard(t)
	if arch != "amd64" {
		t.Skip("x32 and int 0x80 are amd64's")
	}
	const sigsys = 128 + 31
	thirtyTwoBits := true
	if r := box(t, "--security-opt", "seccomp=unconfined", "--", "/probe", "calls", "int80"); r.line("int80") != "ok" {
		t.Logf("this kernel has no 32-bit calls: %+v", r)
		thirtyTwoBits = false
	}
	for call, want := range map[string]struct {
		code int
		line string
	}{
		"x32":              {0, "ENOSYS"},
		"int80":            {sigsys, "(no such line)"},
		"int80_socketcall": {sigsys, "(no such line)"},
	} {
		if !thirtyTwoBits && strings.HasPrefix(call, "int80") { // no call at all: it faults
			continue
		}
		r := box(t, "--", "/probe", "calls", call)
		if r.code != want.code || r.line(call) != want.line {
			t.Errorf("%s: %+v, want %+v", call, r, want)
		}
	}
}

// TestSeccompFilterInForce: the kernel shows the filter of the first process and of its
// children.
func TestSeccompFilterInForce(t *testing.T) {
	guard(t)
	r := box(t, "--", "sh", "-c", "grep -h ^Seccomp: /proc/1/status; cat /proc/self/status")
	if r.line("Seccomp") != "2" || !strings.HasPrefix(r.stdout, "Seccomp:\t2\n") {
		t.Errorf("want mode 2 (filter): %s", r.stdout)
	}
}
