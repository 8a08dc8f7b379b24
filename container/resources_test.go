package container

import (
	"math"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestMemory(t *testing.T) {
	for _, test := range []struct {
		memory, swap         string
		wantLimit, wantTotal int64
	}{
		{"512m", "", 512 << 20, 1024 << 20},
		{"1G", "-1", 1 << 30, -1},
		{"1.5g", "2g", 3 << 29, 2 << 30},
		{"6291456", "0", 6 << 20, 12 << 20},
		{"6mb", "6mb", 6 << 20, 6 << 20},
	} {
		r := mustConfig(t, Options{Memory: test.memory, MemorySwap: test.swap}).Linux.Resources
		if *r.Memory.Limit != test.wantLimit || *r.Memory.Swap != test.wantTotal || r.Unified["memory.oom.group"] != "1" {
			t.Errorf("%+v: limit %d, swap %d, %v", test, *r.Memory.Limit, *r.Memory.Swap, r.Unified)
		}
	}
	for _, o := range []Options{{}, {Memory: "0"}, {MemorySwap: "-1"}} {
		if r := mustConfig(t, o).Linux.Resources; r.Memory != nil || r.Unified != nil {
			t.Errorf("%+v: %+v", o, r)
		}
	}
}

func TestResourceErrors(t *testing.T) {
	below := int64(-2)
	for _, test := range []struct {
		o    Options
		text string
	}{
		{Options{Memory: "5m"}, `--memory "5m": less than 6m`},
		{Options{Memory: "much"}, `--memory "much": not a size`},
		{Options{Memory: "-1"}, "not a size"},
		{Options{Memory: "1e30"}, "--memory"},
		{Options{Memory: "1z"}, "not a size"},
		{Options{Memory: "8m", MemorySwap: "7m"}, `--memory-swap "7m": less than --memory "8m"`},
		{Options{Memory: "8m", MemorySwap: "x"}, "not a size"},
		{Options{MemorySwap: "1g"}, `--memory-swap "1g": no memory limit`},
		{Options{CPUs: "0.001"}, `--cpus "0.001": not a number of processors`},
		{Options{CPUs: "-1"}, "not a number of processors"},
		{Options{CPUs: "NaN"}, "not a number of processors"},
		{Options{CPUs: "inf"}, "not a number of processors"},
		{Options{CPUs: "two"}, "not a number of processors"},
		{Options{CPUShares: 1}, "--cpu-shares 1: not between 2 and 262144"},
		{Options{CPUShares: math.MaxUint64}, "not between"},
		{Options{PidsLimit: &below}, "--pids-limit -2: negative"},
		{Options{Ulimits: []string{"nofile"}}, `--ulimit "nofile": invalid ulimit argument`},
		{Options{Ulimits: []string{"files=1"}}, "invalid ulimit type"},
		{Options{Ulimits: []string{"nofile=2:1"}}, "soft limit must be less than or equal to hard limit"},
		{Options{Ulimits: []string{"nofile=1:2:3"}}, "too many limit value"},
		{Options{Ulimits: []string{"nofile=x"}}, "invalid syntax"},
		{Options{Ulimits: []string{"nofile=-5:-1"}}, "negative"},
		{Options{Ulimits: []string{"nofile=-1:5"}}, "soft limit must be less"},
	} {
		_, err := testConfig(t, test.o)
		wantError(t, test.text, err, test.text)
	}
}

func TestPids(t *testing.T) {
	none, hundred := int64(-1), int64(100)
	for _, test := range []struct {
		limit       *int64
		controllers string
		want        int64 // 0 for no limit
	}{
		{nil, "cpu pids", 2048},
		{nil, "cpu", 0},
		{&hundred, "cpu pids", 100},
		{&hundred, "cpu", 100},
		{&none, "cpu pids", 0},
		{new(int64), "cpu pids", 0},
	} {
		host := testHost()
		host.Controllers = strings.Fields(test.controllers)
		spec, err := Config(&Options{PidsLimit: test.limit}, testImage(), testFiles(), host)
		if err != nil {
			t.Fatal(err)
		}
		got := int64(0)
		if pids := spec.Linux.Resources.Pids; pids != nil {
			got = *pids.Limit
		}
		if got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
}

func TestUlimit(t *testing.T) {
	rlimits := mustConfig(t, Options{Ulimits: []string{"nofile=10", "core=-1", "nofile=1:2"}}).Process.Rlimits
	want := []specs.POSIXRlimit{{Type: "RLIMIT_CORE", Hard: math.MaxUint64, Soft: math.MaxUint64}, {Type: "RLIMIT_NOFILE", Hard: 2, Soft: 1}}
	if len(rlimits) != 2 || rlimits[0] != want[0] || rlimits[1] != want[1] {
		t.Errorf("got %+v, want %+v", rlimits, want)
	}
}

func FuzzUlimit(f *testing.F) {
	for _, word := range []string{"nofile=1:2", "core=-1", "nofile=-2", "stack=1:-1", "=", "nofile=9223372036854775808"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if r, err := parseUlimit(word); err == nil && (r.Soft > r.Hard || !strings.HasPrefix(r.Type, "RLIMIT_")) {
			t.Errorf("%q gave %+v", word, r)
		}
	})
}

// TestRow11Sysctls: only settings that a namespace has for itself, and only
// where that namespace is the container's own.
func TestRow11Sysctls(t *testing.T) {
	for _, word := range []string{"net.ipv4.ip_forward=1", "net.ipv4.ip_local_port_range=1024 65000", "kernel.shmmax=1",
		"kernel.sem=1\t2\t3\t4", "fs.mqueue.msg_max=5", "kernel.domainname=example.org", "net.ipv4.conf.eth0.forwarding=0"} {
		name, value, _ := strings.Cut(word, "=")
		if got := mustConfig(t, Options{Sysctls: []string{word}}).Linux.Sysctl[name]; got != value {
			t.Errorf("%s: value %q", word, got)
		}
	}
	for _, test := range []struct {
		o    Options
		word string
		text string
	}{
		{Options{}, "kernel.core_pattern=|/evil", "belongs to the whole machine"},
		{Options{}, "kernel.shm_rmid_forced_too=1", "belongs to the whole machine"},
		{Options{}, "vm.swappiness=1", "belongs to the whole machine"},
		{Options{}, "kernel.hostname=evil", "belongs to the whole machine"},
		{Options{}, "net=1", "belongs to the whole machine"},
		{Options{}, "net.ipv4.ip_forward", "no value"},
		{Options{}, "net/../kernel/core_pattern=x", "not words joined by dots"},
		{Options{}, "net.../kernel=x", "not words joined by dots"},
		{Options{}, "net..kernel.core_pattern=x", "not words joined by dots"},
		{Options{}, "net.=x", "not words joined by dots"},
		{Options{}, "=x", "not words joined by dots"},
		{Options{}, "kernel.shmmax=1+kernel.core_pattern=|/evil", "a control byte or a +"},
		{Options{}, "kernel.shmmax=1\nkernel.core_pattern=x", "a control byte or a +"},
		{Options{Network: "host"}, "net.ipv4.ip_forward=1", "belongs to the network namespace, and that is the host's"},
		{Options{IPC: "host"}, "kernel.shmmax=1", "belongs to the ipc namespace"},
		{Options{IPC: "host"}, "fs.mqueue.msg_max=1", "belongs to the ipc namespace"},
		{Options{UTS: "host"}, "kernel.domainname=x", "belongs to the uts namespace"},
	} {
		test.o.Sysctls = []string{test.word}
		_, err := testConfig(t, test.o)
		wantError(t, test.word, err, test.text)
	}
}
