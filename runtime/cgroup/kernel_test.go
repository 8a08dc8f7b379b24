package cgroup_test

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
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// These tests ask the kernel. Those that need a controller are skipped on a machine
// without it; scripts/test-vm runs them.

// group makes a cgroup for the test, and one below it.
func group(t *testing.T, controllers ...string) string {
	t.Helper()
	testkit.NeedRoot(t)
	for _, c := range controllers {
		testkit.NeedController(t, c)
	}
	mount, err := cgroup.Mount()
	testkit.Check(t, err)
	path, err := os.MkdirTemp(mount, "minictr-"+strings.ToLower(t.Name()))
	testkit.Check(t, err, os.Mkdir(filepath.Join(path, "below"), 0o755))
	t.Cleanup(func() {
		if err := cgroup.Remove(path); err != nil {
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
	testkit.Check(t, err)
	defer dir.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout = stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	testkit.Check(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

// sleepers starts a process in a cgroup, and one in the cgroup below.
func sleepers(t *testing.T, path string) []*exec.Cmd {
	t.Helper()
	return []*exec.Cmd{start(t, path, "sleep", "60"), start(t, filepath.Join(path, "below"), "sleep", "60")}
}

// readsKmsg reports whether a process in a cgroup may read the device /dev/kmsg.
func readsKmsg(t *testing.T, path string) bool {
	t.Helper()
	return start(t, path, "sh", "-c", "exec 3</dev/kmsg").Wait() == nil
}

func wantFrozen(t *testing.T, path string, want bool) {
	t.Helper()
	if frozen, err := cgroup.Frozen(path); frozen != want || err != nil {
		t.Errorf("frozen %v, %v, want %v", frozen, err, want)
	}
}

// update updates a cgroup from resources as JSON.
func update(t *testing.T, path, resources string) error {
	t.Helper()
	var r specs.LinuxResources
	testkit.Check(t, json.Unmarshal([]byte(resources), &r))
	return change(path, &r)
}

func change(path string, r *specs.LinuxResources) error {
	c, err := cgroup.NewChange(path, r)
	if err != nil {
		return err
	}
	return runtime.Update(c, nil)
}

func wantFile(t *testing.T, path, name, want string) {
	t.Helper()
	if got, err := cgroup.Get(path, name); got != want || err != nil {
		t.Errorf("%s is %q, %v, want %q", name, got, err, want)
	}
}

func TestPids(t *testing.T) {
	path := group(t)
	list := sleepers(t, path)
	pids, err := cgroup.Pids(path)
	if want := []int{list[0].Process.Pid, list[1].Process.Pid}; err != nil || !slices.Equal(pids, want) {
		t.Errorf("%v, %v; want %v", pids, err, want)
	}
	if pids, err := cgroup.Pids(path + "-nowhere"); len(pids) > 0 || err != nil {
		t.Errorf("no such cgroup: %v, %v", pids, err)
	}
}

// TestFreeze: a frozen process does nothing until it is thawed.
func TestFreeze(t *testing.T) {
	path := group(t)
	out, w, err := os.Pipe()
	testkit.Check(t, err)
	defer out.Close()
	startTo(t, w, filepath.Join(path, "below"), "sh", "-c", "while :; do echo .; sleep 0.01; done")
	w.Close()
	lines := bufio.NewReader(out)
	prints := func(wait time.Duration) bool {
		out.SetReadDeadline(time.Now().Add(wait))
		_, err := lines.ReadString('\n')
		return err == nil
	}
	wantPrints := func() {
		t.Helper()
		if !prints(testkit.Timeout) {
			t.Fatal("it prints nothing")
		}
	}
	wantFrozen(t, path, false)
	wantPrints()
	testkit.Check(t, cgroup.Freeze(path))
	wantFrozen(t, path, true)
	const silence = 300 * time.Millisecond
	for range 1000 { // what it printed before
		if !prints(silence) {
			break
		}
	}
	if prints(silence) {
		t.Error("it prints while it is frozen")
	}
	testkit.Check(t, cgroup.Thaw(path))
	wantFrozen(t, path, false)
	wantPrints()
}

// TestSignal: all processes get the signal, also those below; a frozen cgroup stays
// frozen, and SIGKILL kills it.
func TestSignal(t *testing.T) {
	path := group(t)
	for _, sig := range []syscall.Signal{unix.SIGTERM, unix.SIGKILL} {
		list := sleepers(t, path)
		if sig == unix.SIGKILL {
			testkit.Check(t, cgroup.Freeze(path), cgroup.Signal(path, unix.SIGCONT))
			wantFrozen(t, path, true)
		}
		testkit.Check(t, cgroup.Signal(path, sig), cgroup.Signal(path+"-nowhere", sig))
		for _, cmd := range list {
			cmd.Wait()
			if s := cmd.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != sig {
				t.Errorf("ended with %v, want %v", s.Signal(), sig)
			}
		}
	}
}

// TestRemoveTogether: concurrent removals of one cgroup all succeed.
func TestRemoveTogether(t *testing.T) {
	path := group(t)
	for range 15 {
		testkit.Check(t, os.MkdirAll(path, 0o755))
		start(t, path, "sleep", "60")
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := cgroup.Remove(path); err != nil {
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
	testkit.Check(t, start(t, path, "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done").Wait())
	start(t, path, "sleep", "60")
	s, err := cgroup.ReadStats(path)
	testkit.Check(t, err)
	if s.CPU.Usage.Total < 1e6 || s.CPU.Usage.User == 0 || s.Pids.Current != 1 {
		t.Errorf("%+v", s)
	}
	text, err := json.Marshal(s)
	testkit.Check(t, err)
	for _, want := range []string{
		`"cpu":{"usage":{"total":`, `"throttling":{`, `"memory":{`, `"pids":{"current":1`, `"blkio":{`, `"hugetlb":{`,
		`"network_interfaces":null`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// TestWatchEnds: the channel is closed when the last process has ended.
func TestWatchEnds(t *testing.T) {
	path := group(t)
	cmd := start(t, path, "sleep", "60")
	kills, err := cgroup.WatchOOM(path)
	testkit.Check(t, err)
	select {
	case <-kills:
		t.Fatal("the channel is closed before the process has ended")
	case <-time.After(100 * time.Millisecond):
	}
	cmd.Process.Kill()
	if receivesKill(t, kills) {
		t.Error("an OOM kill is reported")
	}
}

// receivesKill waits for a kill; false: the channel is closed.
func receivesKill(t *testing.T, kills <-chan struct{}) bool {
	t.Helper()
	select {
	case _, ok := <-kills:
		return ok
	case <-time.After(testkit.Timeout):
		t.Fatal("no OOM kill is reported, and the channel is open")
	}
	panic("not reached")
}

// TestUpdateDevices: new rules replace the old ones.
func TestUpdateDevices(t *testing.T) {
	path := group(t)
	const deny, kmsg, all = "deny a *:* rwm", "allow c 1:11 r", "allow a *:* rwm"
	for _, test := range []struct {
		rules []specs.LinuxDeviceCgroup
		opens bool
	}{
		{nil, true}, // a cgroup without a program
		{cgroup.Rules(deny), false},
		{nil, false}, // no rules: unchanged
		{cgroup.Rules(deny, kmsg), true},
		{cgroup.Rules(deny), false},
		{cgroup.Rules(deny, all), true},
		{cgroup.Rules(deny, all), true},
	} {
		testkit.Check(t, change(path, &specs.LinuxResources{Devices: test.rules}))
		if opens := readsKmsg(t, path); opens != test.opens {
			t.Errorf("%v: opens %v", test.rules, opens)
		}
	}
}

// TestDevicesBelow: a device is denied if the rules of either cgroup deny it.
func TestDevicesBelow(t *testing.T) {
	path := group(t)
	below := filepath.Join(path, "below")
	const deny, kmsg, mem = "deny a *:* rwm", "allow c 1:11 r", "allow c 1:1 r"
	for _, test := range []struct {
		above, below []specs.LinuxDeviceCgroup
		opens        bool
	}{
		{cgroup.Rules(deny, kmsg, mem), cgroup.Rules(deny, kmsg), true},
		{cgroup.Rules(deny, kmsg, mem), cgroup.Rules(deny, mem), false},
		{cgroup.Rules(deny, mem), cgroup.Rules(deny, kmsg), false},
	} {
		testkit.Check(t, change(path, &specs.LinuxResources{Devices: test.above}),
			change(below, &specs.LinuxResources{Devices: test.below}))
		if opens := readsKmsg(t, below); opens != test.opens {
			t.Errorf("%+v: opens %v", test, opens)
		}
	}
}

// TestMissingController: a limit without its controller is an error with a hint; no
// limit is none.
func TestMissingController(t *testing.T) {
	path := group(t)
	testkit.Check(t, update(t, path, `{"memory": {"limit": 0}, "pids": {}}`),
		update(t, path, `{"memory": {"limit": -1}, "pids": {"limit": -1}}`))
	if testkit.HasController("pids") {
		t.Skip("this machine has the controller; the first half ran")
	}
	err := update(t, path, `{"pids": {"limit": 5}}`)
	if err == nil || !strings.Contains(err.Error(), "linux.resources.pids") ||
		!strings.Contains(err.Error(), "has no such controller") || !strings.Contains(hint.Of(err), "cgroup_no_v1") {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

// TestUpdate: the limits of a cgroup with processes.
func TestUpdate(t *testing.T) {
	path := group(t, "memory", "cpu", "pids", "cpuset", "hugetlb")
	testkit.Check(t, update(t, path, `{"unified": {"memory.max": "1g"}}`))
	used := filepath.Join(t.TempDir(), "used")
	testkit.Check(t, start(t, path, "dd", "if=/dev/zero", "of="+used, "bs=1M", "count=8").Wait())
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
		err := update(t, path, test.resources)
		if test.file == "" {
			testkit.WantError(t, test.resources, err, test.want)
		} else if got, _ := cgroup.Get(path, test.file); err != nil || got != test.want {
			t.Errorf("%s: %s is %q, want %q; error %v", test.resources, test.file, got, test.want, err)
		}
	}
}

// TestUpdateRefused: files written before an error are restored.
func TestUpdateRefused(t *testing.T) {
	path := group(t, "hugetlb")
	testkit.Check(t, update(t, path, `{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}`))
	if err := update(t, path, `{"hugepageLimits": [{"pageSize": "2MB", "limit": 8388608}],
		"unified": {"hugetlb.3MB.max": "0"}}`); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("pages of 3 MB: %v", err)
	}
	wantFile(t, path, "hugetlb.2MB.max", "4194304")
	wantFile(t, path, "hugetlb.2MB.rsvd.max", "4194304")
}

// TestUpdateDisk: a weight, and limits of a disk; those of an absent disk are an error.
func TestUpdateDisk(t *testing.T) {
	path := group(t, "io")
	testkit.Check(t, update(t, path, `{"blockIO": {"weight": 500}}`))
	wantFile(t, path, "io.weight", "default 4950")
	limit := func(field, device string, rate int) string {
		major, minor, _ := strings.Cut(strings.TrimSpace(device), ":")
		return fmt.Sprintf(`"%s": [{"major": %s, "minor": %s, "rate": %d}]`, field, major, minor, rate)
	}
	const absent = "8:524288"
	device, want := absent, error(unix.ENODEV)
	disks, err := filepath.Glob("/sys/block/*/dev")
	testkit.Check(t, err)
	if len(disks) > 0 {
		device, want = testkit.ReadFile(t, disks[0]), nil
	}
	err = update(t, path, `{"blockIO": {`+limit("throttleReadBpsDevice", device, 1<<20)+`, `+
		limit("throttleWriteIOPSDevice", device, 7)+`}}`)
	if !errors.Is(err, want) {
		t.Fatalf("device %s: error %v, want %v", device, err, want)
	}
	if want != nil {
		return
	}
	err = update(t, path, `{"blockIO": {`+limit("throttleReadBpsDevice", device, 2<<20)+`, `+
		limit("throttleReadIOPSDevice", absent, 1)+`}}`)
	if !errors.Is(err, unix.ENODEV) {
		t.Errorf("an absent disk: %v", err)
	}
	const limits = " rbps=1048576 wbps=max riops=max wiops=7"
	if got, _ := cgroup.Get(path, "io.max"); !strings.HasSuffix(got, limits) {
		t.Errorf("io.max: %q", got)
	}
}

// TestWatchOOM: each kill is reported.
func TestWatchOOM(t *testing.T) {
	path := group(t, "memory")
	const limit = 8 << 20
	testkit.Check(t, update(t, path, `{"memory": {"limit": 8388608, "swap": 8388608}}`))
	start(t, path, "sleep", "60")
	kills, err := cgroup.WatchOOM(path)
	testkit.Check(t, err)
	for range 2 {
		start(t, path, "tail", "/dev/zero")
		if !receivesKill(t, kills) {
			t.Fatal("the channel is closed while a process runs")
		}
	}
	s, err := cgroup.ReadStats(path)
	if err != nil || s.Memory.Usage.Limit != limit || s.Memory.Swap.Limit != limit || s.Memory.Usage.Usage == 0 ||
		s.Memory.Raw["anon"] == 0 {
		t.Errorf("%+v, %v", s, err)
	}
}
