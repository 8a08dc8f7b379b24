package compile

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestInvalidConfigRefused: the error begins with the name of the field.
func TestInvalidConfigRefused(t *testing.T) {
	for _, test := range []struct{ want, object, fields string }{
		{`process.args: `, "", `"process": null`},
		{`root.path: `, "", `"root": null`},
		{`hooks.poststop[0]: `, "", `"hooks": {"poststop": [{"path": "relative"}]}`},
		{`solaris: `, "", `"solaris": {}`},
		{`windows: `, "", `"windows": {}`},
		{`vm: `, "", `"vm": {}`},
		{`zos: `, "", `"zos": {}`},
		{`freebsd: `, "", `"freebsd": {}`},
		{`hostname: `, "", `"hostname": "a\u0000b"`},
		{`process.terminal: `, "", `"process": {"terminal": true}, "mounts": null`},
		{`linux.sysctl, process.oomScoreAdj, apparmorProfile`, "",
			`"process": {"apparmorProfile": "a"}, "mounts": null`},
		{`linux.sysctl, `, "", `"linux": {"sysctl": {"net.x": "1"}}, "mounts": null`},
		{`process.args: `, "process", `"args": null`},
		{`process.args: `, "process", `"args": ["ls\u0000"]`},
		{`process.cwd: "srv"`, "process", `"cwd": "srv"`},
		{`process.commandLine: `, "process", `"commandLine": "dir"`},
		{`process.user.username: `, "process", `"user": {"username": "ada"}`},
		{`process.user.uid: 4294967295`, "process", `"user": {"uid": 4294967295}`},
		{`process.user.gid: 4294967295`, "process", `"user": {"gid": 4294967295}`},
		{`process.user.additionalGids: 4294967295`, "process", `"user": {"additionalGids": [5, 4294967295]}`},
		{`process.scheduler.policy: `, "process", `"scheduler": {}`},
		{`process.scheduler.nice: 20`, "process", `"scheduler": {"policy": "SCHED_OTHER", "nice": 20}`},
		{`process.scheduler.priority: 5`, "process", `"scheduler": {"policy": "SCHED_BATCH", "priority": 5}`},
		{`process.scheduler.runtime`, "process", `"scheduler": {"policy": "SCHED_FIFO", "period": 5}`},
		{`process.scheduler.flags: `, "process", `"scheduler": {"policy": "SCHED_FIFO", "flags": ["SCHED_FLAG_JOY"]}`},
		{`process.ioPriority.class: `, "process", `"ioPriority": {}`},
		{`process.ioPriority.priority: 8`, "process", `"ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 8}`},
		{`process.execCPUAffinity.final: `, "process", `"execCPUAffinity": {"final": "3-1"}`},
		{`process.execCPUAffinity.initial: `, "process", `"execCPUAffinity": {"initial": "0,,1"}`},
		{`process.rlimits[0]: `, "process", `"rlimits": [{"type": "RLIMIT_JOY"}]`},
		{`process.rlimits[1]: `, "process", `"rlimits": [{"type": "RLIMIT_CPU"}, {"type": "RLIMIT_CPU"}]`},
		{`process.apparmorProfile: `, "process", `"apparmorProfile": "a\u0000"`},
		{`process.env: `, "process", `"env": ["=x"]`},
		{`process.env: `, "process", `"env": ["NAME"]`},
		{`process.env: `, "process", `"env": ["A=b\u0000c"]`},
		{`linux.intelRdt: `, "linux", `"intelRdt": {}`},
		{`linux.memoryPolicy.mode: invalid memory policy mode ""`, "linux", `"memoryPolicy": {"nodes": "0-7"}`},
		{`linux.memoryPolicy.nodes: invalid memory policy nodes "0-9876543210"`, "linux",
			`"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0-9876543210"}`},
		{`linux.memoryPolicy.nodes: MPOL_DEFAULT: memory policy mode requires 0 nodes but got 8`, "linux",
			`"memoryPolicy": {"mode": "MPOL_DEFAULT", "nodes": "0-7"}`},
		{`linux.memoryPolicy.nodes: MPOL_BIND: memory policy mode requires at least one node`, "linux",
			`"memoryPolicy": {"mode": "MPOL_BIND"}`},
		{`linux.memoryPolicy.flags: invalid memory policy flag "MPOL_F_JOY"`, "linux",
			`"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_JOY"]}`},
		{`linux.personality.domain: `, "linux", `"personality": {}`},
		{`linux.personality.flags: `, "linux", `"personality": {"domain": "LINUX32", "flags": ["ADDR_NO_RANDOMIZE"]}`},
		{`linux.timeOffsets: `, "linux", `"timeOffsets": {"boottime": {}}`},
		{`linux.netDevices: "eth0": no such device`, "linux", `"netDevices": {"eth0": {}}`},
		{`linux.netDevices: requires`, "linux",
			`"netDevices": {"eth0": {}}, "namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "uts"}]`},
		{`linux.rootfsPropagation: "public"`, "linux", `"rootfsPropagation": "public"`},
		{`linux.maskedPaths[1]: `, "linux", `"maskedPaths": ["/x", "proc/keys"]`},
		{`linux.readonlyPaths[0]: `, "linux", `"readonlyPaths": [""]`},
		{`linux.namespaces[2]: `, "linux", `"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "pid"}]`},
		{`linux.namespaces[0]: `, "namespaces[0]", `"path": "ns/pid"`},
		{`linux.namespaces[0]: `, "namespaces[0]", `"type": "dream"`},
		{`linux.uidMappings`, "linux", `"uidMappings": [{"size": 1}]`},
		{`linux.cgroupsPath: `, "linux", `"cgroupsPath": "/"`},
		{`linux.cgroupsPath: `, "linux", `"cgroupsPath": "system.slice:docker:ID"`},
		{`linux.sysctl: `, "linux", `"sysctl": {"../../etc/passwd": "x"}`},
		{`linux.sysctl: "kernel.domainname": conflicts with domainname "one"`, "", `"domainname": "one",
			"linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}], "sysctl": {"kernel.domainname": "two"}}`},
		{`linux.seccomp: `, "linux", `"seccomp": {"defaultAction": "SCMP_ACT_NOTIFY"}`},
		{`linux.devices[0]: `, "linux", `"devices": [{"path": "dev/null", "type": "c"}]`},
		{`linux.devices[0]: `, "linux", `"devices": [{"path": "/dev/..", "type": "c"}]`},
		{`linux.devices[0]: major, minor: `, "linux",
			`"devices": [{"path": "/dev/x", "type": "c", "major": 4294967296}]`},
		{`linux.devices[0]: `, "linux", `"devices": [{"path": "/dev/x", "type": "q"}]`},
		{`linux.resources: blockIO.leafWeight: `, "resources", `"blockIO": {"leafWeight": 5}`},
		{`linux.resources: blockIO.weight: 5`, "resources", `"blockIO": {"weight": 5}`},
		{`linux.resources: blockIO.weightDevice[0]: `, "resources", `"blockIO": {"weightDevice": [{}]}`},
		{`linux.resources: hugepageLimits[0].pageSize: `, "resources", `"hugepageLimits": [{"pageSize": "2/MB"}]`},
		{`linux.resources: network: `, "resources", `"network": {"priorities": [{}]}`},
		{`linux.resources: rdma: `, "resources", `"rdma": {"x": {}}`},
		{`linux.resources: memory.kernel: `, "resources", `"memory": {"kernelTCP": 1}`},
		{`linux.resources: memory.swappiness: `, "resources", `"memory": {"swappiness": 1}`},
		{`linux.resources: memory.disableOOMKiller: `, "resources", `"memory": {"disableOOMKiller": true}`},
		{`linux.resources: memory.swap: `, "resources", `"memory": {"swap": 5}`},
		{`linux.resources: cpu.realtimeRuntime`, "resources", `"cpu": {"realtimeRuntime": -1}`},
		{`linux.resources: unified: `, "resources", `"unified": {"../cgroup.procs": "1"}`},
		{"linux.resources: unified: the specified key has not the form CONTROLLER.VALUE `WRONG-KEY`", "resources",
			`"unified": {"WRONG-KEY": "1"}`},
		{`linux.resources.devices: `, "resources", `"devices": [{"type": "q", "access": "rwm"}]`},
		{`linux.resources.devices: `, "resources", `"devices": [{"access": "x"}]`},
		{`mounts[0]: option "copy-symlink": `, "mounts[0]", `"options": ["copy-symlink"]`},
		{`mounts[0]: option "tmpcopyup": `, "mounts[0]", `"options": ["tmpcopyup"]`},
		{`mounts[0]: option "idmap": `, "mounts[0]", `"options": ["idmap"]`},
		{`mounts[0]: type "tmpfs": `, "mounts[0]", `"type": "tmpfs"`},
		{`mounts[0]: type: `, "mounts[0]", `"type": ""`},
		{`mounts[4]: `, "mounts[4]", `"source": "/srv\u0000/etc"`},
		{`mounts[4]: destination: `, "mounts[4]", `"destination": ""`},
		{`mounts[4]: destination `, "mounts[4]", `"destination": "data/.."`},
		{`mounts[4]: destination `, "mounts[4]", `"destination": "proc/1"`},
		{`mounts[4]: source: `, "mounts[4]", `"source": ""`},
		{`mounts[4]: option "readonly": `, "mounts[4]", `"options": ["bind", "readonly"]`},
		{`mounts[4]: option "sync": `, "mounts[4]", `"options": ["bind", "sync"]`},
		{`mounts[4]: option "idmap=uids=0-1-10": `, "mounts[4]", `"options": ["bind", "idmap=uids=0-1-10"]`},
		{`mounts[4]: option "context=x": `, "mounts[4]", `"options": ["bind", "context=x"]`},
		{`mounts[4]: option "tmpcopyup": `, "mounts[4]", `"options": ["bind", "tmpcopyup"]`},
		{`mounts[4]: option "idmap": `, "mounts[4]", `"options": ["bind", "idmap"]`},
		{`mounts[4]: option "idmap": `, "mounts[4]",
			`"destination": "/d", "type": "", "source": "` + RootSource + `/d", "options": ["bind", "idmap"]`},
		{`mounts[4]: uidMappings, gidMappings: `, "mounts[4]", `"uidMappings": [{}]`},
	} {
		spec := testSpec()
		set(map[string]any{"": spec, "process": spec.Process, "linux": spec.Linux, "resources": spec.Linux.Resources,
			"namespaces[0]": &spec.Linux.Namespaces[0], "mounts[0]": &spec.Mounts[0], "mounts[4]": &spec.Mounts[4],
		}[test.object], test.fields)
		_, err := Compile(spec, testOptions())
		wantPrefix(t, err, test.want)
	}
}

// wantPrefix fails the test unless the message of err begins with a text.
func wantPrefix(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), text) {
		t.Errorf("error %v, want %s…", err, text)
	}
}

// TestLimitsNeedCgroup: a limit is never ignored.
func TestLimitsNeedCgroup(t *testing.T) {
	spec, options := testSpec(), testOptions()
	options.Cgroup2 = ""
	set(spec.Linux.Resources, `"pids": {"limit": 5}`)
	_, err := Compile(spec, options)
	wantPrefix(t, err, "linux.resources: ")
	set(spec.Linux, `"resources": {"memory": {}, "pids": {"limit": null}, "devices": null}`)
	_, err = Compile(spec, options)
	testkit.Check(t, err)
}

// TestUngrantedCapabilities: what cannot be granted is a warning, not an error
// (config.md, "capabilities").
func TestUngrantedCapabilities(t *testing.T) {
	spec, options := testSpec(), testOptions()
	spec.Process.Capabilities.Effective = []string{"CAP_FLY", "CAP_KILL"}
	options.Permitted = 1<<unix.CAP_CHOWN | 1<<unix.CAP_NET_BIND_SERVICE
	p, err := Compile(spec, options)
	testkit.Check(t, err)
	warnings := strings.Join(p.Warnings, "\n")
	for _, want := range []string{`process.capabilities.effective: "CAP_FLY"`,
		`process.capabilities.bounding: "CAP_KILL"`} {
		if !strings.Contains(warnings, want) {
			t.Errorf("warnings %s, want %s", warnings, want)
		}
	}
	const want = "capset({_LINUX_CAPABILITY_VERSION_3, 0}, {effective=0x0, permitted=0x401, inheritable=0x0})"
	for _, s := range p.Steps {
		if s.Name == "capset" && s.Call() != want {
			t.Errorf("%s, want %s", s.Call(), want)
		}
	}
}

func TestParseMask(t *testing.T) {
	for list, want := range map[string][]uint64{
		"0": {1}, "0-3,7": {0x8f}, "63-64": {1 << 63, 1}, " 1, 2 ": {6},
		"": nil, "x": nil, "3-1": nil, "-1": nil, "1-": nil, "8192": nil, "1,,2": nil,
	} {
		if got, err := parseMask(list); !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("%q: %x, %v; want %x", list, got, err, want)
		}
	}
}

// calls returns the calls of one name that contain a text.
func calls(t *testing.T, spec *specs.Spec, name, text string) (list []string) {
	t.Helper()
	p, err := Compile(spec, testOptions())
	testkit.Check(t, err)
	for _, s := range p.Steps {
		if s.Name == name && strings.Contains(s.Call(), text) {
			list = append(list, s.Call())
		}
	}
	return list
}

// TestSearchPath: PATH is a list, whose last value counts.
func TestSearchPath(t *testing.T) {
	for _, test := range []struct{ program, env, want string }{
		{"ls", "PATH=/a:/b", "/a/ls /b/ls"},
		{"ls", "PATH=/a PATH=/b", "/b/ls"},
		{"ls", "PATH=/a::/b", "/a/ls ls /b/ls"},
		{"ls", "MYPATH=/a PATH=/b", "/b/ls"},
		{"ls", "", "/usr/local/sbin/ls /usr/local/bin/ls /usr/sbin/ls /usr/bin/ls /sbin/ls /bin/ls"},
		{"./ls", "PATH=/a", "./ls"},
		{"/bin/ls", "PATH=/a", "/bin/ls"},
	} {
		spec := testSpec()
		spec.Process.Args, spec.Process.Env = []string{test.program}, strings.Fields(test.env)
		var got []string
		for _, c := range calls(t, spec, "execve", "") {
			path, _, _ := strings.Cut(strings.TrimPrefix(c, `execve("`), `"`)
			got = append(got, path)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s with %s: %v, want %v", test.program, test.env, got, test.want)
		}
	}
}

func TestCgroupFiles(t *testing.T) {
	for _, test := range []struct{ resources, want string }{ // in JSON; FILE VALUE; FILE VALUE…
		{`{}`, ""},
		{`{"memory": {"limit": 67108864}}`, "memory.max 67108864"},
		{`{"memory": {"limit": 67108864, "swap": 100663296}}`, "memory.max 67108864; memory.swap.max 33554432"},
		{`{"memory": {"limit": 67108864, "swap": 67108864}}`, "memory.max 67108864; memory.swap.max 0"},
		{`{"memory": {"limit": 67108864, "swap": -1}}`, "memory.max 67108864"},
		{`{"memory": {"limit": -1}}`, ""},
		{`{"memory": {"limit": -1, "swap": 4096}}`, "memory.swap.max 4096"},
		{`{"memory": {"reservation": 4096, "checkBeforeUpdate": true}}`, "memory.low 4096"},
		{`{"cpu": {"shares": 1024}}`, ""},
		{`{"cpu": {"shares": 512}}`, "cpu.weight 59"},
		{`{"cpu": {"shares": 2}}`, "cpu.weight 1"},
		{`{"cpu": {"shares": 262144}}`, "cpu.weight 10000"},
		{`{"cpu": {"quota": 50000, "period": 100000, "cpus": "0-1", "mems": "0"}}`,
			"cpu.max 50000 100000; cpuset.cpus 0-1; cpuset.mems 0"},
		{`{"cpu": {"quota": 50000, "burst": 1000}}`, "cpu.max 50000; cpu.max.burst 1000"},
		{`{"cpu": {"quota": -1}}`, "cpu.max max"},
		{`{"cpu": {"idle": 1}}`, "cpu.idle 1"},
		{`{"pids": {"limit": -1}}`, ""},
		{`{"pids": {"limit": 0}}`, "pids.max 1"},
		{`{"unified": {"memory.oom.group": "1", "io.max": "8:0 rbps=1\n8:16 rbps=2\n"}}`,
			"io.max 8:0 rbps=1; io.max 8:16 rbps=2; memory.oom.group 1"},
		{`{"blockIO": {"weight": 1000}}`, "io.bfq.weight 1000; io.weight 10000"},
		{`{"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "weight": 10}]}}`,
			"io.bfq.weight 8:0 10; io.weight 8:0 1"},
		{`{"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}],
			"throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 0}]}}`,
			"io.max 8:0 rbps=600"},
		{`{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}`,
			"hugetlb.2MB.max 4194304; hugetlb.2MB.rsvd.max 4194304"},
		{`{"rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}, "mlx4_0": {"hcaObjects": 7}}}`,
			"rdma.max mlx4_0 hca_object=7; rdma.max mlx5_1 hca_handle=3 hca_object=10000"},
		// what engines write for "not given"
		{`{"memory": {"limit": 0, "swap": 0, "reservation": 0, "kernel": -1, "kernelTCP": 0,
			"swappiness": null, "disableOOMKiller": false, "useHierarchy": true},
			"cpu": {"shares": 0, "quota": 0, "period": 0, "realtimeRuntime": 0, "realtimePeriod": 0,
			"cpus": "", "mems": ""}, "pids": {},
			"blockIO": {"weight": 0, "leafWeight": 0, "throttleReadBpsDevice": null},
			"hugepageLimits": null, "network": {"classID": 0, "priorities": []}}`, ""},
	} {
		spec := testSpec()
		spec.Linux.Resources = &specs.LinuxResources{}
		testkit.Check(t, json.Unmarshal([]byte(test.resources), spec.Linux.Resources))
		p, err := Compile(spec, testOptions())
		testkit.Check(t, err)
		var got []string
		for _, s := range p.Steps {
			switch {
			case s.Name == "openat" && s.Args[0] == plan.Arg(cgroupFd):
				got = append(got, string(s.Args[1].(plan.Str)))
			case s.Name == "write" && s.Args[0] == plan.Arg(file) && !strings.HasPrefix(s.Args[1].String(), `"+`):
				got[len(got)-1] += " " + string(s.Args[1].(*plan.Mem).Bytes)
			}
		}
		if strings.Join(got, "; ") != test.want {
			t.Errorf("%s: %q, want %q", test.resources, got, test.want)
		}
	}
}

// TestZeroPids: 0 is a limit since version 1.3, and no limit before.
func TestZeroPids(t *testing.T) {
	for version, want := range map[string]bool{"1.3.0": true, "1.10.0-dev": true, "1.2.1": false, "1.0.2-dev": false} {
		spec := testSpec()
		spec.Version = version
		set(spec.Linux.Resources, `"pids": {"limit": 0}`)
		if limited := len(calls(t, spec, "openat", "pids.max")) > 0; limited != want {
			t.Errorf("%s: limited %v, want %v", version, limited, want)
		}
	}
}

// TestDelegation: the user owns a cgroup that is mounted writable, and no other.
func TestDelegation(t *testing.T) {
	for _, test := range []struct {
		option string
		uid    uint32
		owner  string // "" for root, as it was made
	}{
		{"rw", 0, ""}, {"rw", 1000, "1000"}, {"ro", 1000, ""}, {"userns", 7, "100007"}, {"userns", 0, "100000"},
	} {
		spec := testSpec()
		spec.Process.User.UID = test.uid
		if test.option == "userns" {
			testContainers()["userns"](spec, &Options{})
			test.option = "rw"
		}
		spec.Mounts = append(spec.Mounts, specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup",
			Options: []string{test.option}})
		owned := calls(t, spec, "fchownat", "(@cgroup, ")
		want := `fchownat(@cgroup, "cgroup.procs", ` + test.owner + `, -1, AT_SYMLINK_NOFOLLOW)`
		if test.owner == "" && len(owned) > 0 || test.owner != "" && !slices.Contains(owned, want) {
			t.Errorf("%+v: %q, want %s", test, owned, want)
		}
	}
}

// TestControllersEnabled: in every cgroup above, each controller once; the files of the
// core need no controller.
func TestControllersEnabled(t *testing.T) {
	spec := testSpec()
	spec.Linux.CgroupsPath = "/a/b/c"
	set(spec.Linux.Resources, `"pids": {"limit": 5}, "unified": {"pids.x": "1", "cgroup.max.depth": "3"}`)
	opened := calls(t, spec, "openat", "subtree_control")
	if len(opened) != 3 || !strings.Contains(opened[2], `"a/b/cgroup.subtree_control"`) {
		t.Errorf("opened: %v", opened)
	}
	for controller, want := range map[string]int{"pids": 3, "cgroup": 0} {
		if written := calls(t, spec, "write", `"+`+controller+`"`); len(written) != want {
			t.Errorf("%s is enabled %d times, want %d", controller, len(written), want)
		}
	}
}

func TestDeviceDirectories(t *testing.T) {
	spec := testSpec()
	set(spec.Linux, `"devices": [{"path": "/dev/cpu/0/msr", "type": "c", "major": 202, "minor": 0},
		{"path": "/dev/cpu/1/msr", "type": "c", "major": 202, "minor": 1}]`)
	made := slices.Concat(calls(t, spec, "mkdirat", "(@dev, "), calls(t, spec, "mkdirat", `(@above, "0"`),
		calls(t, spec, "mkdirat", `(@above, "1"`))
	want := []string{`mkdirat(@dev, "cpu", 0755)`, `mkdirat(@above, "0", 0755)`, `mkdirat(@above, "1", 0755)`}
	if !slices.Equal(made, want) {
		t.Errorf("made %v, want %v", made, want)
	}
}

// TestPlanEscapesControlBytes: a terminal shows them, and does not obey them.
func TestPlanEscapesControlBytes(t *testing.T) {
	spec := testSpec()
	spec.Process.Args = []string{"echo", "\x1b]0;pwned\a\x1b[2J", "\x9b31m", "a\rb"}
	for _, c := range calls(t, spec, "execve", "") {
		if strings.ContainsAny(c, "\x1b\a\r\u009b") || strings.Contains(c, "\x9b") {
			t.Errorf("control bytes in %q", c)
		}
	}
}
