package cgroup

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// These tests ask the kernel. Those that need a controller are skipped on a machine
// without it; scripts/test-vm runs them.

// group makes a cgroup for the test and one below it.
func group(t *testing.T, controllers ...string) string {
	t.Helper()
	testkit.NeedRoot(t)
	mount, err := Mount()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range controllers {
		testkit.NeedController(t, c)
	}
	path, err := os.MkdirTemp(mount, "minictr-"+strings.ToLower(t.Name()))
	if err == nil {
		err = os.Mkdir(filepath.Join(path, "below"), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Remove(path); err != nil {
			t.Error(err)
		}
	})
	return path
}

// start runs a program in a cgroup.
func start(t *testing.T, path, name string, args ...string) *exec.Cmd {
	t.Helper()
	return startTo(t, nil, path, name, args...)
}

// startTo is start with a standard output.
func startTo(t *testing.T, stdout io.Writer, path, name string, args ...string) *exec.Cmd {
	t.Helper()
	dir, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout = stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

func TestPids(t *testing.T) {
	path := group(t)
	a, b := start(t, path, "sleep", "60"), start(t, filepath.Join(path, "below"), "sleep", "60")
	pids, err := Pids(path)
	if want := []int{a.Process.Pid, b.Process.Pid}; err != nil || !slices.Equal(pids, want) {
		t.Errorf("%v, %v; want %v", pids, err, want)
	}
	if pids, err := Pids(path + "-nowhere"); len(pids) > 0 || err != nil {
		t.Errorf("no such cgroup: %v, %v", pids, err)
	}
}

// TestFreeze: a frozen process does nothing until it is thawed.
func TestFreeze(t *testing.T) {
	path := group(t)
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	startTo(t, w, filepath.Join(path, "below"), "sh", "-c", "while :; do echo .; sleep 0.01; done")
	w.Close()
	lines := bufio.NewReader(out)
	const silence, timeout = 300 * time.Millisecond, 30 * time.Second
	prints := func(wait time.Duration) bool {
		out.SetReadDeadline(time.Now().Add(wait))
		_, err := lines.ReadString('\n')
		return err == nil
	}
	if frozen, err := Frozen(path); frozen || err != nil || !prints(timeout) {
		t.Fatalf("before: frozen %v, %v", frozen, err)
	}
	if err := Freeze(path); err != nil {
		t.Fatal(err)
	}
	if frozen, err := Frozen(path); !frozen || err != nil {
		t.Errorf("frozen %v, %v", frozen, err)
	}
	for range 1000 { // what it printed before
		if !prints(silence) {
			break
		}
	}
	if prints(silence) {
		t.Error("it prints while it is frozen")
	}
	if err := Thaw(path); err != nil {
		t.Fatal(err)
	}
	if frozen, err := Frozen(path); frozen || err != nil || !prints(timeout) {
		t.Errorf("thawed: frozen %v, %v", frozen, err)
	}
}

// TestSignal: all processes get the signal, also those below; a frozen cgroup stays
// frozen, and SIGKILL kills it.
func TestSignal(t *testing.T) {
	path := group(t)
	list := []*exec.Cmd{start(t, path, "sleep", "60"), start(t, filepath.Join(path, "below"), "sleep", "60")}
	if err := Signal(path, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := func(sig syscall.Signal) {
		t.Helper()
		for _, cmd := range list {
			cmd.Wait()
			if s := cmd.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != sig {
				t.Errorf("ended with %v, want %v", s.Signal(), sig)
			}
		}
	}
	ended(syscall.SIGTERM)
	list = []*exec.Cmd{start(t, path, "sleep", "60"), start(t, filepath.Join(path, "below"), "sleep", "60")}
	if err := errors.Join(Freeze(path), Signal(path, unix.SIGCONT)); err != nil {
		t.Fatal(err)
	}
	if frozen, err := Frozen(path); !frozen || err != nil {
		t.Errorf("after a signal: frozen %v, %v", frozen, err)
	}
	if err := Signal(path, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ended(syscall.SIGKILL)
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if err := Signal(path+"-nowhere", sig); err != nil {
			t.Errorf("no such cgroup: %v", err)
		}
	}
}

// TestRemoveTogether: concurrent removals of one cgroup all succeed.
func TestRemoveTogether(t *testing.T) {
	path := group(t)
	for range 15 {
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		start(t, path, "sleep", "60")
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := Remove(path); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

// TestReadStats: the counters count, and have the names of runc.
func TestReadStats(t *testing.T) {
	path := group(t)
	if err := start(t, path, "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done").Wait(); err != nil {
		t.Fatal(err)
	}
	start(t, path, "sleep", "60")
	s, err := ReadStats(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.CPU.Usage.Total < 1e6 || s.CPU.Usage.User == 0 || s.Pids.Current != 1 {
		t.Errorf("%+v", s)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"cpu":{"usage":{"total":`, `"throttling":{`, `"memory":{`, `"pids":{"current":1`, `"blkio":{`, `"hugetlb":{`,
		`"network_interfaces":null`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// TestWatchEnds: the channel is closed when the last process has ended.
func TestWatchEnds(t *testing.T) {
	path := group(t)
	cmd := start(t, path, "sleep", "60")
	came, err := WatchOOM(path)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-came:
		t.Fatal("the channel is closed before the process has ended")
	case <-time.After(100 * time.Millisecond):
	}
	cmd.Process.Kill()
	select {
	case _, ok := <-came:
		if ok {
			t.Error("an OOM kill is reported")
		}
	case <-time.After(10 * time.Second):
		t.Error("the channel is not closed")
	}
}

// TestUpdateDevices: new rules replace the old ones.
func TestUpdateDevices(t *testing.T) {
	path := group(t)
	deny := deviceRule(false, "a", -1, -1, "rwm")
	kmsg := deviceRule(true, "c", 1, 11, "r")
	all := deviceRule(true, "a", -1, -1, "rwm")
	for _, test := range []struct {
		rules []specs.LinuxDeviceCgroup
		opens bool
	}{
		{nil, true}, // a cgroup without a program
		{[]specs.LinuxDeviceCgroup{deny}, false},
		{nil, false}, // no rules: unchanged
		{[]specs.LinuxDeviceCgroup{deny, kmsg}, true},
		{[]specs.LinuxDeviceCgroup{deny}, false},
		{[]specs.LinuxDeviceCgroup{deny, all}, true},
		{[]specs.LinuxDeviceCgroup{deny, all}, true},
	} {
		if err := Update(path, &specs.LinuxResources{Devices: test.rules}); err != nil {
			t.Fatalf("%v: %v", test.rules, err)
		}
		cmd := start(t, path, "sh", "-c", "exec 3</dev/kmsg")
		if opens := cmd.Wait() == nil; opens != test.opens {
			t.Errorf("%v: opens %v", test.rules, opens)
		}
	}
}

// TestDevicesBelow: a device is denied if the rules of either cgroup deny it.
func TestDevicesBelow(t *testing.T) {
	path := group(t)
	below := filepath.Join(path, "below")
	deny := deviceRule(false, "a", -1, -1, "rwm")
	kmsg, mem := deviceRule(true, "c", 1, 11, "r"), deviceRule(true, "c", 1, 1, "r")
	for _, test := range []struct {
		above, below []specs.LinuxDeviceCgroup
		opens        bool
	}{
		{[]specs.LinuxDeviceCgroup{deny, kmsg, mem}, []specs.LinuxDeviceCgroup{deny, kmsg}, true},
		{[]specs.LinuxDeviceCgroup{deny, kmsg, mem}, []specs.LinuxDeviceCgroup{deny, mem}, false},
		{[]specs.LinuxDeviceCgroup{deny, mem}, []specs.LinuxDeviceCgroup{deny, kmsg}, false},
	} {
		for dir, rules := range map[string][]specs.LinuxDeviceCgroup{path: test.above, below: test.below} {
			if err := Update(dir, &specs.LinuxResources{Devices: rules}); err != nil {
				t.Fatal(err)
			}
		}
		if opens := start(t, below, "sh", "-c", "exec 3</dev/kmsg").Wait() == nil; opens != test.opens {
			t.Errorf("%+v: opens %v", test, opens)
		}
	}
}

// TestMissingController: a limit without its controller is an error with a hint; no
// limit is none.
func TestMissingController(t *testing.T) {
	path := group(t)
	limit, none, unlimited := int64(5), int64(0), int64(-1)
	for _, r := range []specs.LinuxResources{
		{Memory: &specs.LinuxMemory{Limit: &none}, Pids: &specs.LinuxPids{}},
		{Memory: &specs.LinuxMemory{Limit: &unlimited}, Pids: &specs.LinuxPids{Limit: &unlimited}},
	} {
		if err := Update(path, &r); err != nil {
			t.Errorf("no limit: %v", err)
		}
	}
	mount, _ := Mount()
	if slices.Contains(Available(mount), "pids") {
		t.Skip("this machine has the controller; the first half ran")
	}
	err := Update(path, &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &limit}})
	if err == nil || !strings.Contains(err.Error(), "resources: pids") || !strings.Contains(hint.Of(err), `"pids"`) {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

// TestUpdate: the limits of a cgroup with processes.
func TestUpdate(t *testing.T) {
	path := group(t, "memory", "cpu", "pids", "cpuset", "hugetlb")
	if err := Update(path, &specs.LinuxResources{Unified: map[string]string{"memory.max": "1g"}}); err != nil {
		t.Fatal(err)
	}
	used := filepath.Join(t.TempDir(), "used")
	if err := start(t, path, "dd", "if=/dev/zero", "of="+used, "bs=1M", "count=8").Wait(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ resources, file, want string }{
		{`{"pids": {"limit": 20}}`, "pids.max", "20"},
		{`{"pids": {"limit": -1}}`, "pids.max", "max"},
		{`{"memory": {"limit": 67108864, "swap": 100663296}}`, "memory.max", "67108864"},
		{`{"memory": {"reservation": 4096}}`, "memory.low", "4096"},
		{`{}`, "memory.max", "67108864"},
		{`{"memory": {"limit": 4096, "checkBeforeUpdate": true}}`, "", "memory.limit"},
		{`{"memory": {"limit": -1}}`, "memory.max", "max"},
		{`{"cpu": {"quota": 50000, "burst": 50000}}`, "cpu.max", "50000 100000"},
		{`{"cpu": {"period": 200000}}`, "cpu.max", "50000 200000"},
		{`{"cpu": {"quota": 20000, "burst": 10000}}`, "cpu.max", "20000 200000"},
		{`{"cpu": {"quota": 20000, "burst": 10000}}`, "cpu.max.burst", "10000"},
		{`{"cpu": {"quota": 10000, "burst": 20000}}`, "", "cpu.burst"},
		{`{"cpu": {"quota": -1, "burst": 0}}`, "cpu.max", "max 200000"},
		{`{"cpu": {"shares": 1024}}`, "cpu.weight", "100"},
		{`{"cpu": {"idle": 1}}`, "cpu.idle", "1"},
		{`{"cpu": {"cpus": "0"}}`, "cpuset.cpus", "0"},
		{`{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}`, "hugetlb.2MB.max", "4194304"},
		{`{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}`, "hugetlb.2MB.rsvd.max", "4194304"},
		{`{"hugepageLimits": [{"pageSize": "3MB", "limit": 4194304}]}`, "", "hugepageLimits[0]"},
		{`{"unified": {"memory.high": "50331648"}}`, "memory.high", "50331648"},
	} {
		var r specs.LinuxResources
		if err := json.Unmarshal([]byte(test.resources), &r); err != nil {
			t.Fatal(err)
		}
		err := Update(path, &r)
		if test.file == "" {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: error %v, want one of %s", test.resources, err, test.want)
			}
			continue
		}
		if got, _ := get(path, test.file); err != nil || got != test.want {
			t.Errorf("%s: %s is %q, want %q; error %v", test.resources, test.file, got, test.want, err)
		}
	}
}

// TestUpdateRefused: files written before an error are restored.
func TestUpdateRefused(t *testing.T) {
	path := group(t, "hugetlb")
	limit := func(bytes uint64, also map[string]string) error {
		pages := []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: bytes}}
		return Update(path, &specs.LinuxResources{HugepageLimits: pages, Unified: also})
	}
	if err := limit(4<<20, nil); err != nil {
		t.Fatal(err)
	}
	if err := limit(8<<20, map[string]string{"hugetlb.3MB.max": "0"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("pages of 3 MB: %v", err)
	}
	for _, name := range []string{"hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"} {
		if got, err := get(path, name); got != "4194304" || err != nil {
			t.Errorf("%s is %s, %v", name, got, err)
		}
	}
}

// TestUpdateDisk: a weight, and limits of a disk; those of an absent disk are an error.
func TestUpdateDisk(t *testing.T) {
	path := group(t, "io")
	weight := uint16(500)
	if err := Update(path, &specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{Weight: &weight}}); err != nil {
		t.Fatal(err)
	}
	if got, _ := get(path, "io.weight"); got != "default 4950" {
		t.Errorf("io.weight: %q", got)
	}
	disks, err := filepath.Glob("/sys/block/*/dev")
	if err != nil {
		t.Fatal(err)
	}
	absent := specs.LinuxBlockIODevice{Major: 8, Minor: 1 << 19}
	device, want := absent, error(unix.ENODEV)
	if len(disks) > 0 {
		device, want = diskNumber(t, disks[0]), nil
	}
	err = Update(path, &specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{
		ThrottleReadBpsDevice:   []specs.LinuxThrottleDevice{{LinuxBlockIODevice: device, Rate: 1 << 20}},
		ThrottleWriteIOPSDevice: []specs.LinuxThrottleDevice{{LinuxBlockIODevice: device, Rate: 7}}}})
	if !errors.Is(err, want) {
		t.Fatalf("device %+v: error %v, want %v", device, err, want)
	}
	if want == nil {
		refused := Update(path, &specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{
			ThrottleReadBpsDevice:  []specs.LinuxThrottleDevice{{LinuxBlockIODevice: device, Rate: 2 << 20}},
			ThrottleReadIOPSDevice: []specs.LinuxThrottleDevice{{LinuxBlockIODevice: absent, Rate: 1}}}})
		if !errors.Is(refused, unix.ENODEV) {
			t.Errorf("an absent disk: %v", refused)
		}
	}
	const limits = " rbps=1048576 wbps=max riops=max wiops=7"
	if got, _ := get(path, "io.max"); want == nil && !strings.HasSuffix(got, limits) {
		t.Errorf("io.max: %q", got)
	}
}

// diskNumber reads a disk's "major:minor".
func diskNumber(t *testing.T, file string) (d specs.LinuxBlockIODevice) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(string(text), "%d:%d", &d.Major, &d.Minor); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestWatchOOM: each kill is reported.
func TestWatchOOM(t *testing.T) {
	path := group(t, "memory")
	limit, swap := int64(8<<20), int64(8<<20)
	if err := Update(path, &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit, Swap: &swap}}); err != nil {
		t.Fatal(err)
	}
	start(t, path, "sleep", "60")
	came, err := WatchOOM(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		start(t, path, "tail", "/dev/zero")
		select {
		case _, ok := <-came:
			if !ok {
				t.Fatal("the channel is closed while a process runs")
			}
		case <-time.After(30 * time.Second):
			t.Fatal("no OOM kill is reported")
		}
	}
	s, err := ReadStats(path)
	if err != nil || s.Memory.Usage.Limit != uint64(limit) || s.Memory.Swap.Limit != uint64(limit) ||
		s.Memory.Usage.Usage == 0 || s.Memory.Raw["anon"] == 0 {
		t.Errorf("%+v, %v", s, err)
	}
}
