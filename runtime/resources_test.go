package runtime

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Limits, as a container finds them in its cgroup; and what is refused where
// the machine has no controllers. What needs them is run by scripts/test-vm.

func resources(t *testing.T, text string) *specs.LinuxResources {
	t.Helper()
	r := &specs.LinuxResources{}
	if err := json.Unmarshal([]byte(text), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// hierarchy is where cgroup2 is mounted, and which controllers it has.
func hierarchy(t *testing.T) (mount string, controllers []string) {
	t.Helper()
	mount, err := cgroup.Mount()
	if err != nil {
		t.Fatal(err)
	}
	return mount, cgroup.Available(mount)
}

func TestResources(t *testing.T) {
	program := oci(t)
	mount, controllers := hierarchy(t)
	if !slices.Contains(controllers, "memory") {
		t.Skip("no controllers here: make test-vm has them")
	}
	out, err := run(t, program, func(s *specs.Spec) {
		s.Linux.CgroupsPath = "/fields/limits"
		s.Linux.Resources = resources(t, `{
			"memory": {"limit": 67108864, "swap": 100663296, "reservation": 4096},
			"cpu": {"shares": 1024, "quota": 50000, "period": 200000, "burst": 1000, "cpus": "0", "mems": "0"},
			"pids": {"limit": 20},
			"blockIO": {"weight": 500},
			"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}],
			"unified": {"memory.high": "50331648"}}`)
		s.Mounts = append(s.Mounts, specs.Mount{Destination: "/cgroup", Type: "bind", Source: mount,
			Options: []string{"rbind"}})
	},
		`cd /cgroup/fields/limits; for f in memory.max memory.low memory.high cpu.weight cpu.max cpu.max.burst \
			cpuset.cpus cpuset.mems pids.max io.weight hugetlb.2MB.max hugetlb.2MB.rsvd.max
		do echo $f $(cat $f); done`)
	want := `memory.max 67108864
memory.low 4096
memory.high 50331648
cpu.weight 100
cpu.max 50000 200000
cpu.max.burst 1000
cpuset.cpus 0
cpuset.mems 0
pids.max 20
io.weight default 4950
hugetlb.2MB.max 4194304
hugetlb.2MB.rsvd.max 4194304`
	if err != nil || out != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

// TestNoLimits: what engines write when nothing was asked for needs no controller.
func TestNoLimits(t *testing.T) {
	out, err := run(t, oci(t), func(s *specs.Spec) {
		s.Linux.Resources = resources(t, `{"memory": {"limit": 0, "swappiness": null, "disableOOMKiller": false},
			"cpu": {"shares": 0, "quota": 0}, "pids": {}, "blockIO": {"weight": 0}, "network": {},
			"devices": [{"allow": false, "access": "rwm"}]}`)
	}, "echo it runs")
	if err != nil || out != "it runs" {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestNoController: a limit that cannot be set is an error with advice.
func TestNoController(t *testing.T) {
	program := oci(t)
	_, controllers := hierarchy(t)
	for controller, text := range map[string]string{
		"pids": `{"pids": {"limit": 5}}`, "memory": `{"memory": {"limit": 67108864}}`,
		"io":      `{"blockIO": {"weight": 100}}`,
		"hugetlb": `{"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}`,
		"rdma":    `{"rdma": {"x": {"hcaHandles": 1}}}`,
	} {
		if slices.Contains(controllers, controller) && controller != "rdma" {
			continue
		}
		out, err := run(t, program, func(s *specs.Spec) { s.Linux.Resources = resources(t, text) }, "echo it runs")
		if err == nil || strings.Contains(out, "it runs") || !slices.Contains(controllers, controller) &&
			!strings.Contains(out, `does not offer the controller "`+controller) {
			t.Errorf("%s: %v\n%s", text, err, out)
		}
	}
}

// TestLeftCgroup: what a crash left behind, frozen even, is in nobody's way.
func TestLeftCgroup(t *testing.T) {
	program := oci(t)
	mount, _ := hierarchy(t)
	group := filepath.Join(mount, "fields", "left")
	if err := os.MkdirAll(group, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cgroup.Remove(filepath.Dir(group)) })
	if err := cgroup.Freeze(group); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, program, func(s *specs.Spec) { s.Linux.CgroupsPath = "/fields/left" }, "echo it runs")
	if err != nil || out != "it runs" {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(group); err == nil {
		t.Errorf("%s is still there", group)
	}
}

// TestBusyCgroup: a cgroup with a process in it is another's, and stays so.
func TestBusyCgroup(t *testing.T) {
	program := oci(t)
	mount, _ := hierarchy(t)
	group := filepath.Join(mount, "fields", "busy")
	if err := os.MkdirAll(group, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cgroup.Remove(filepath.Dir(group)) })
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { other.Process.Kill(); other.Wait() }()
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(other.Process.Pid)),
		0); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, program, func(s *specs.Spec) { s.Linux.CgroupsPath = "/fields/busy" }, "echo it runs")
	if err == nil || !strings.Contains(out, "file exists") || strings.Contains(out, "it runs") {
		t.Errorf("%v\n%s", err, out)
	}
	if pids, err := cgroup.Pids(group); err != nil || !slices.Equal(pids, []int{other.Process.Pid}) {
		t.Errorf("then in it: %v, %v", pids, err)
	}
}

// TestDelegatedCgroup: who has a writable cgroup of its own makes others below it.
func TestDelegatedCgroup(t *testing.T) {
	program := oci(t)
	for option, want := range map[string]string{"rw": "/sys/fs/cgroup/below",
		"ro": "mkdir: can't create directory '/sys/fs/cgroup/below': Read-only file system"} {
		out, err := run(t, program, func(s *specs.Spec) {
			s.Process.User.UID = 1000
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup",
				Options: []string{option}})
		}, "mkdir /sys/fs/cgroup/below && ls -d /sys/fs/cgroup/below; echo 1 2>/dev/null "+
			">/sys/fs/cgroup/cgroup.freeze && echo it changes its own limits; true")
		if err != nil || !strings.HasPrefix(out, want) || strings.Contains(out, "its own limits") {
			t.Errorf("%s: %v\n%s\nwant %s", option, err, out, want)
		}
	}
}

// TestAppArmor: the profile, testdata/minictr-test.profile, is in force, and
// inherited.
func TestAppArmor(t *testing.T) {
	program := oci(t)
	if profiles, _ := os.ReadFile("/sys/kernel/security/apparmor/profiles"); !strings.Contains(string(profiles),
		"minictr-test") {
		t.Skip("no profile minictr-test here: make test-vm loads it")
	}
	const (
		words = "echo 1 >/allowed; echo 1 >/secret; cat /allowed; cat /proc/self/attr/current; cat /secret " +
			"2>/dev/null || echo denied"
		want = "1\nminictr-test (enforce)\ndenied"
	)
	out, err := run(t, program, func(s *specs.Spec) { s.Process.ApparmorProfile = "minictr-test" }, words)
	if err != nil || out != want {
		t.Errorf("run: %v\n%s\nwant\n%s", err, out, want)
	}
	out, err = execute(t, program, func(p *specs.Process) { p.ApparmorProfile = "minictr-test" }, words)
	if err != nil || out != want {
		t.Errorf("exec: %v\n%s\nwant\n%s", err, out, want)
	}
}
