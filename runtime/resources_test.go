package runtime

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Cgroups and their limits. scripts/test-vm runs the tests that need controllers.

// limited gives a container resources, as JSON.
func limited(text string) func(*specs.Spec) { return fields(`{"linux": {"resources": ` + text + `}}`) }

// inCgroup gives a container a cgroupsPath.
func inCgroup(path string) func(*specs.Spec) {
	return func(s *specs.Spec) { s.Linux.CgroupsPath = path }
}

func cgroupMount(t *testing.T) string {
	t.Helper()
	testkit.NeedRoot(t)
	mount, err := cgroup.Mount()
	testkit.Check(t, err)
	return mount
}

func TestResources(t *testing.T) {
	mount := cgroupMount(t)
	testkit.NeedController(t, "memory")
	c := newContainer(t, limited(`{
		"memory": {"limit": 67108864, "swap": 100663296, "reservation": 4096},
		"cpu": {"shares": 1024, "quota": 50000, "period": 200000, "burst": 1000, "cpus": "0", "mems": "0"},
		"pids": {"limit": 20},
		"blockIO": {"weight": 500},
		"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}],
		"unified": {"memory.high": "50331648"}}`),
		`cd /cgroup/fields/limits; for f in memory.max memory.low memory.high cpu.weight cpu.max cpu.max.burst \
			cpuset.cpus cpuset.mems pids.max io.weight hugetlb.2MB.max hugetlb.2MB.rsvd.max
		do echo $f $(cat $f); done`)
	inCgroup("/fields/limits")(c.spec)
	c.mount("/cgroup", "bind", mount, "rbind")
	want(t, c.run(t), `memory.max 67108864
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
hugetlb.2MB.rsvd.max 4194304`)
}

// TestZeroLimitsNeedNoController: engines write 0 for no limit.
func TestZeroLimitsNeedNoController(t *testing.T) {
	want(t, newContainer(t, limited(`{"memory": {"limit": 0, "swappiness": null, "disableOOMKiller": false},
		"cpu": {"shares": 0, "quota": 0}, "pids": {}, "blockIO": {"weight": 0}, "network": {},
		"devices": [{"allow": false, "access": "rwm"}]}`), "echo it runs").run(t), "it runs")
}

// TestMissingControllerRefused: a limit that cannot be set is an error with a hint.
func TestMissingControllerRefused(t *testing.T) {
	controllers := cgroup.Available(cgroupMount(t))
	for controller, text := range map[string]string{
		"pids": `{"pids": {"limit": 5}}`, "memory": `{"memory": {"limit": 67108864}}`,
		"io":      `{"blockIO": {"weight": 100}}`,
		"hugetlb": `{"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}`,
		"rdma":    `{"rdma": {"x": {"hcaHandles": 1}}}`, // there is no device x
	} {
		c := newContainer(t, limited(text), "echo it runs")
		if !slices.Contains(controllers, controller) {
			c.runFails(t, `"+`+controller+`"`, "the requested cgroup controller `"+controller+"` is not available")
			if controller == "pids" { // the kernel knows it
				c.runFails(t, "this cgroup has no such controller")
			}
		} else if controller == "rdma" {
			c.runFails(t)
		}
	}
}

// makeCgroup makes a cgroup of a caller.
func makeCgroup(t *testing.T, name string) (path string) {
	t.Helper()
	path = filepath.Join(cgroupMount(t), "fields", name)
	testkit.Check(t, os.MkdirAll(path, 0o755))
	t.Cleanup(func() { cgroup.Remove(filepath.Dir(path)) })
	return path
}

// TestEmptyCgroupUsed: one that another program has made is used, and stays; a frozen one is
// refused.
func TestEmptyCgroupUsed(t *testing.T) {
	group := makeCgroup(t, "made")
	c := newContainer(t, inCgroup("/fields/made"), "echo it runs")
	testkit.Check(t, cgroup.Freeze(group))
	c.runFails(t, "unexpectedly frozen")
	testkit.Check(t, cgroup.Thaw(group))
	want(t, c.run(t), "it runs")
	_, err := os.Stat(group)
	testkit.Check(t, err)
}

// TestBusyCgroupRefused: a cgroup with a process is not used, and stays as it is.
func TestBusyCgroupRefused(t *testing.T) {
	group := makeCgroup(t, "busy")
	other := exec.Command("sleep", "60")
	testkit.Check(t, other.Start())
	defer func() { other.Process.Kill(); other.Wait() }()
	pid := other.Process.Pid
	testkit.Check(t, os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0))
	newContainer(t, inCgroup("/fields/busy"), "echo it runs").runFails(t, "cgroup is not empty")
	if pids, err := cgroup.Pids(group); err != nil || !slices.Equal(pids, []int{pid}) {
		t.Errorf("then in it: %v, %v", pids, err)
	}
}

// TestDelegatedCgroup: a user whose cgroup is mounted writable may make cgroups below
// it, and not change its own limits.
func TestDelegatedCgroup(t *testing.T) {
	for option, want := range map[string]string{"rw": "/sys/fs/cgroup/below",
		"ro": "mkdir: can't create directory '/sys/fs/cgroup/below': Read-only file system"} {
		c := newContainer(t, in(specs.CgroupNamespace, ""), "mkdir /sys/fs/cgroup/below && ls -d /sys/fs/cgroup/below"+
			"; echo 1 2>/dev/null >/sys/fs/cgroup/cgroup.freeze && echo it changes its own limits; true")
		c.spec.Process.User.UID = 1000
		c.mount("/sys/fs/cgroup", "cgroup", "cgroup", option)
		if out := c.run(t); !strings.HasPrefix(out, want) || strings.Contains(out, "its own limits") {
			t.Errorf("%s: %s\nwant %s", option, out, want)
		}
	}
}

// TestCgroupMountWithoutNamespace: /sys/fs/cgroup shows the container's own cgroup alone, the
// one that has its process.
func TestCgroupMountWithoutNamespace(t *testing.T) {
	c := newContainer(t, without(specs.CgroupNamespace), "cat /sys/fs/cgroup/cgroup.procs")
	c.mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro")
	if out := c.run(t); !strings.Contains(out, "1\n") && out != "1" {
		t.Errorf("the processes of /sys/fs/cgroup: %q, want 1", out)
	}
}

// TestAppArmor: the profile testdata/minictr-test.profile confines the container and
// other processes in it.
func TestAppArmor(t *testing.T) {
	testkit.NeedRoot(t)
	if profiles, _ := os.ReadFile("/sys/kernel/security/apparmor/profiles"); !strings.Contains(string(profiles),
		"minictr-test") {
		t.Skip("no profile minictr-test here: make test-vm loads it")
	}
	const profile = `{"apparmorProfile": "minictr-test"}`
	const script = "echo 1 >/allowed; echo 1 >/secret; cat /allowed /proc/self/attr/current; cat /secret " +
		"2>/dev/null || echo denied"
	const wanted = "1\nminictr-test (enforce)\ndenied"
	want(t, newContainer(t, fields(`{"process": `+profile+`}`), script).run(t), wanted)
	c := newContainer(t, unchanged, "sleep 60")
	c.must(t, "run", "--detach", c.id)
	want(t, c.exec(t, profile, script), wanted)
}
