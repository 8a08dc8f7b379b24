package compile

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestRefusals: what no step is made for is refused by the name of its field.
func TestRefusals(t *testing.T) {
	one := uint64(1)
	minus, plus, five := int64(-1), int64(1), uint16(5)
	yes := true
	for _, test := range []struct {
		want   string
		change func(*specs.Spec)
	}{
		{"process.args: ", func(s *specs.Spec) { s.Process.Args = nil }},
		{"process.args: ", func(s *specs.Spec) { s.Process = nil }},
		{"root.path: ", func(s *specs.Spec) { s.Root = nil }},
		{`process.cwd: "srv"`, func(s *specs.Spec) { s.Process.Cwd = "srv" }},
		{"hooks.poststop[0]: ", func(s *specs.Spec) {
			s.Hooks = &specs.Hooks{Poststop: []specs.Hook{{Path: "relative"}}}
		}},
		{"solaris: ", func(s *specs.Spec) { s.Solaris = &specs.Solaris{} }},
		{"windows: ", func(s *specs.Spec) { s.Windows = &specs.Windows{} }},
		{"vm: ", func(s *specs.Spec) { s.VM = &specs.VM{} }},
		{"zos: ", func(s *specs.Spec) { s.ZOS = &specs.ZOS{} }},
		{"freebsd: ", func(s *specs.Spec) { s.FreeBSD = &specs.FreeBSD{} }},
		{"process.commandLine: ", func(s *specs.Spec) { s.Process.CommandLine = "dir" }},
		{"process.user.username: ", func(s *specs.Spec) { s.Process.User.Username = "ada" }},
		{"process.user.uid: 4294967295", func(s *specs.Spec) { s.Process.User.UID = 1<<32 - 1 }},
		{"process.user.gid: 4294967295", func(s *specs.Spec) { s.Process.User.GID = 1<<32 - 1 }},
		{"process.user.additionalGids: 4294967295", func(s *specs.Spec) {
			s.Process.User.AdditionalGids = []uint32{5, 1<<32 - 1}
		}},
		{"process.scheduler.policy: ", func(s *specs.Spec) { s.Process.Scheduler = &specs.Scheduler{} }},
		{"process.scheduler.nice: 20", func(s *specs.Spec) {
			s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedOther, Nice: 20}
		}},
		{"process.scheduler.priority: 5", func(s *specs.Spec) {
			s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch, Priority: 5}
		}},
		{"process.scheduler.runtime", func(s *specs.Spec) {
			s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedFIFO, Period: 5}
		}},
		{"process.scheduler.flags: ", func(s *specs.Spec) {
			s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedFIFO,
				Flags: []specs.LinuxSchedulerFlag{"SCHED_FLAG_JOY"}}
		}},
		{"process.ioPriority.class: ", func(s *specs.Spec) { s.Process.IOPriority = &specs.LinuxIOPriority{} }},
		{"process.ioPriority.priority: 8", func(s *specs.Spec) {
			s.Process.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_BE, Priority: 8}
		}},
		{"process.execCPUAffinity.final: ", func(s *specs.Spec) {
			s.Process.ExecCPUAffinity = &specs.CPUAffinity{Final: "3-1"}
		}},
		{"process.execCPUAffinity.initial: ", func(s *specs.Spec) {
			s.Process.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0,,1"}
		}},
		{"process.rlimits[0]: ", func(s *specs.Spec) { s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_JOY"}} }},
		{"process.rlimits[1]: ", func(s *specs.Spec) {
			s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_CPU"}, {Type: "RLIMIT_CPU"}}
		}},
		{"process.apparmorProfile: ", func(s *specs.Spec) { s.Process.ApparmorProfile = "a\x00" }},
		{"linux.sysctl, process.oomScoreAdj, apparmorProfile", func(s *specs.Spec) {
			s.Process.ApparmorProfile = "a"
			s.Mounts = nil
		}},
		{"process.env: ", func(s *specs.Spec) { s.Process.Env = []string{"=x"} }},
		{"process.env: ", func(s *specs.Spec) { s.Process.Env = []string{"NAME"} }},
		{"process.env: ", func(s *specs.Spec) { s.Process.Env = []string{"A=b\x00c"} }},
		{"process.args: ", func(s *specs.Spec) { s.Process.Args = []string{"ls\x00"} }},
		{"hostname: ", func(s *specs.Spec) { s.Hostname = "a\x00b" }},
		{"mounts[4]: ", func(s *specs.Spec) { s.Mounts[4].Source = "/srv\x00/etc" }},
		{"process.terminal: ", func(s *specs.Spec) { s.Process.Terminal = true; s.Mounts = nil }},
		{"linux.intelRdt: ", func(s *specs.Spec) { s.Linux.IntelRdt = &specs.LinuxIntelRdt{} }},
		{"linux.memoryPolicy.mode: ", func(s *specs.Spec) { s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{} }},
		{"linux.memoryPolicy.nodes: ", func(s *specs.Spec) {
			s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "0-"}
		}},
		{"linux.memoryPolicy.flags: ", func(s *specs.Spec) {
			s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "0",
				Flags: []specs.MemoryPolicyFlagType{"MPOL_F_JOY"}}
		}},
		{"linux.personality.domain: ", func(s *specs.Spec) { s.Linux.Personality = &specs.LinuxPersonality{} }},
		{"linux.personality.flags: ", func(s *specs.Spec) {
			s.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux32,
				Flags: []specs.LinuxPersonalityFlag{"ADDR_NO_RANDOMIZE"}}
		}},
		{"linux.timeOffsets: ", func(s *specs.Spec) {
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {}}
		}},
		{`linux.netDevices: "eth0": no such device`, func(s *specs.Spec) {
			s.Linux.NetDevices = map[string]specs.LinuxNetDevice{"eth0": {}}
		}},
		{"linux.netDevices: requires", func(s *specs.Spec) {
			s.Linux.NetDevices = map[string]specs.LinuxNetDevice{"eth0": {}}
			s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
				return n.Type == specs.NetworkNamespace
			})
		}},
		{`linux.rootfsPropagation: "public"`, func(s *specs.Spec) { s.Linux.RootfsPropagation = "public" }},
		{"linux.maskedPaths[1]: ", func(s *specs.Spec) { s.Linux.MaskedPaths = []string{"/x", "proc/keys"} }},
		{"linux.readonlyPaths[0]: ", func(s *specs.Spec) { s.Linux.ReadonlyPaths = []string{""} }},
		{"linux.namespaces[6]: ", func(s *specs.Spec) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.PIDNamespace})
		}},
		{"linux.namespaces[0]: ", func(s *specs.Spec) { s.Linux.Namespaces[0].Path = "ns/pid" }},
		{"linux.namespaces[0]: ", func(s *specs.Spec) { s.Linux.Namespaces[0].Type = "dream" }},
		{"linux.uidMappings", func(s *specs.Spec) { s.Linux.UIDMappings = []specs.LinuxIDMapping{{Size: 1}} }},
		{"linux.cgroupsPath: ", func(s *specs.Spec) { s.Linux.CgroupsPath = "/" }},
		{"linux.sysctl: ", func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"../../etc/passwd": "x"} }},
		{"linux.sysctl, ", func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"net.x": "1"}; s.Mounts = nil }},
		{"linux.devices[0]: ", func(s *specs.Spec) {
			s.Linux.Devices = []specs.LinuxDevice{{Path: "dev/null", Type: "c"}}
		}},
		{"linux.devices[0]: ", func(s *specs.Spec) {
			s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/..", Type: "c"}}
		}},
		{"linux.devices[0]: major, minor: ", func(s *specs.Spec) {
			s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/x", Type: "c", Major: 1 << 32}}
		}},
		{"linux.devices[0]: ", func(s *specs.Spec) {
			s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/x", Type: "q"}}
		}},
		{"linux.cgroupsPath: ", func(s *specs.Spec) { s.Linux.CgroupsPath = "system.slice:docker:ID" }},
		{"linux.resources: blockIO.leafWeight: ", func(s *specs.Spec) {
			s.Linux.Resources.BlockIO = &specs.LinuxBlockIO{LeafWeight: &five}
		}},
		{"linux.resources: blockIO.weight: 5", func(s *specs.Spec) {
			s.Linux.Resources.BlockIO = &specs.LinuxBlockIO{Weight: &five}
		}},
		{"linux.resources: blockIO.weightDevice[0]: ", func(s *specs.Spec) {
			s.Linux.Resources.BlockIO = &specs.LinuxBlockIO{WeightDevice: make([]specs.LinuxWeightDevice, 1)}
		}},
		{"linux.resources: hugepageLimits[0].pageSize: ", func(s *specs.Spec) {
			s.Linux.Resources.HugepageLimits = []specs.LinuxHugepageLimit{{Pagesize: "2/MB"}}
		}},
		{"linux.resources: network: ", func(s *specs.Spec) {
			s.Linux.Resources.Network = &specs.LinuxNetwork{Priorities: make([]specs.LinuxInterfacePriority, 1)}
		}},
		{"linux.resources: rdma: ", func(s *specs.Spec) {
			s.Linux.Resources.Rdma = map[string]specs.LinuxRdma{"x": {}}
		}},
		{"linux.resources: memory.kernel: ", func(s *specs.Spec) {
			s.Linux.Resources.Memory = &specs.LinuxMemory{KernelTCP: &plus}
		}},
		{"linux.resources: memory.swappiness: ", func(s *specs.Spec) {
			s.Linux.Resources.Memory = &specs.LinuxMemory{Swappiness: &one}
		}},
		{"linux.resources: memory.disableOOMKiller: ", func(s *specs.Spec) {
			s.Linux.Resources.Memory = &specs.LinuxMemory{DisableOOMKiller: &yes}
		}},
		{"linux.resources: memory.swap: ", func(s *specs.Spec) {
			n := int64(5)
			s.Linux.Resources.Memory = &specs.LinuxMemory{Swap: &n}
		}},
		{"linux.resources: cpu.realtimeRuntime", func(s *specs.Spec) {
			s.Linux.Resources.CPU = &specs.LinuxCPU{RealtimeRuntime: &minus}
		}},
		{"linux.resources: unified: ", func(s *specs.Spec) {
			s.Linux.Resources.Unified = map[string]string{"../cgroup.procs": "1"}
		}},
		{"linux.resources.devices: ", func(s *specs.Spec) { s.Linux.Resources.Devices[0].Type = "q" }},
		{"linux.resources.devices: ", func(s *specs.Spec) { s.Linux.Resources.Devices[0].Access = "x" }},
		{"linux.seccomp: ", func(s *specs.Spec) { s.Linux.Seccomp.DefaultAction = specs.ActNotify }},
		{"mounts[4]: destination: ", func(s *specs.Spec) { s.Mounts[4].Destination = "" }},
		{"mounts[4]: destination ", func(s *specs.Spec) { s.Mounts[4].Destination = "data/.." }},
		{"mounts[4]: destination ", func(s *specs.Spec) { s.Mounts[4].Destination = "proc/1" }},
		{"mounts[4]: source: ", func(s *specs.Spec) { s.Mounts[4].Source = "" }},
		{"mounts[4]: uidMappings", func(s *specs.Spec) { s.Mounts[4].UIDMappings = make([]specs.LinuxIDMapping, 1) }},
		{`mounts[4]: option "readonly": `, func(s *specs.Spec) { s.Mounts[4].Options = []string{"bind", "readonly"} }},
		{`mounts[4]: option "sync": `, func(s *specs.Spec) { s.Mounts[4].Options = []string{"bind", "sync"} }},
		{`mounts[4]: option "idmap=uids=0-1-10": `, func(s *specs.Spec) {
			s.Mounts[4].Options = []string{"bind", "idmap=uids=0-1-10"}
		}},
		{`mounts[4]: option "context=x": `, func(s *specs.Spec) {
			s.Mounts[4].Options = []string{"bind", "context=x"}
		}},
		{`mounts[4]: option "tmpcopyup": `, func(s *specs.Spec) {
			s.Mounts[4].Options = []string{"bind", "tmpcopyup"}
		}},
		{`mounts[0]: option "tmpcopyup": `, func(s *specs.Spec) { s.Mounts[0].Options = []string{"tmpcopyup"} }},
		{`mounts[4]: option "idmap": `, func(s *specs.Spec) { s.Mounts[4].Options = []string{"bind", "idmap"} }},
		{`mounts[4]: option "idmap": `, func(s *specs.Spec) {
			s.Mounts[4] = specs.Mount{Destination: "/d", Source: RootSource + "/d", Options: []string{"bind", "idmap"}}
		}},
		{"mounts[4]: uidMappings, gidMappings: ", func(s *specs.Spec) {
			s.Mounts[4].UIDMappings = make([]specs.LinuxIDMapping, 1)
		}},
		{`mounts[0]: type "tmpfs": `, func(s *specs.Spec) { s.Mounts[0].Type = "tmpfs" }},
		{`mounts[0]: option "idmap": `, func(s *specs.Spec) { s.Mounts[0].Options = []string{"idmap"} }},
		{"mounts[0]: type: ", func(s *specs.Spec) { s.Mounts[0].Type = "" }},
	} {
		spec := testSpec()
		test.change(spec)
		if _, err := Compile(spec, testOptions()); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("error %v, want %s…", err, test.want)
		}
	}
}

// TestLimitsNeedCgroup: a limit is never forgotten.
func TestLimitsNeedCgroup(t *testing.T) {
	spec, options := testSpec(), testOptions()
	limit := int64(5)
	spec.Linux.Resources.Pids = &specs.LinuxPids{Limit: &limit}
	options.Cgroup2 = ""
	if _, err := Compile(spec, options); err == nil || !strings.HasPrefix(err.Error(), "linux.resources: ") {
		t.Errorf("error %v, want linux.resources: …", err)
	}
	spec.Linux.Resources = &specs.LinuxResources{Memory: &specs.LinuxMemory{}, Pids: &specs.LinuxPids{}}
	if _, err := Compile(spec, options); err != nil {
		t.Errorf("no limit is asked for: %v", err)
	}
}

// TestUngrantedCapabilities: what cannot be granted is a warning, not an error
// (config.md, "capabilities").
func TestUngrantedCapabilities(t *testing.T) {
	spec, options := testSpec(), testOptions()
	spec.Process.Capabilities.Effective = []string{"CAP_FLY", "CAP_KILL"}
	options.Permitted = 1<<unix.CAP_CHOWN | 1<<unix.CAP_NET_BIND_SERVICE
	p, err := Compile(spec, options)
	if err != nil {
		t.Fatal(err)
	}
	told := strings.Join(p.Warnings, "\n")
	for _, want := range []string{`process.capabilities.effective: "CAP_FLY"`,
		`process.capabilities.bounding: "CAP_KILL"`} {
		if !strings.Contains(told, want) {
			t.Errorf("warned of %s, want %s", told, want)
		}
	}
	for _, s := range p.Steps {
		if s.Name == "capset" && s.Call() != "capset({_LINUX_CAPABILITY_VERSION_3, 0}, {effective=0x0, "+
			"permitted=0x401, inheritable=0x0})" {
			t.Error(s.Call())
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

// calls are the steps of one name, as text.
func calls(t *testing.T, spec *specs.Spec, name string) (list []string) {
	t.Helper()
	p, err := Compile(spec, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Steps {
		if s.Name == name {
			list = append(list, s.Call())
		}
	}
	return list
}

func TestSearchPath(t *testing.T) {
	for _, test := range []struct {
		program string
		env     []string
		want    []string
	}{
		{"ls", []string{"PATH=/a:/b"}, []string{"/a/ls", "/b/ls"}},
		{"ls", []string{"PATH=/a", "PATH=/b"}, []string{"/b/ls"}},
		{"ls", []string{"PATH=/a::/b"}, []string{"/a/ls", "ls", "/b/ls"}},
		{"ls", []string{"MYPATH=/a", "PATH=/b"}, []string{"/b/ls"}},
		{"ls", nil, []string{"/usr/local/sbin/ls", "/usr/local/bin/ls", "/usr/sbin/ls", "/usr/bin/ls", "/sbin/ls",
			"/bin/ls"}},
		{"./ls", []string{"PATH=/a"}, []string{"./ls"}},
		{"/bin/ls", []string{"PATH=/a"}, []string{"/bin/ls"}},
	} {
		spec := testSpec()
		spec.Process.Args, spec.Process.Env = []string{test.program}, test.env
		var got []string
		for _, c := range calls(t, spec, "execve") {
			path, _, _ := strings.Cut(strings.TrimPrefix(c, `execve("`), `"`)
			got = append(got, path)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s with %v: %v, want %v", test.program, test.env, got, test.want)
		}
	}
}

func TestCgroupFiles(t *testing.T) {
	for _, test := range []struct {
		resources string   // as in config.json
		want      []string // file, value
	}{
		{`{}`, nil},
		{`{"memory": {"limit": 67108864}}`, []string{"memory.max", "67108864"}},
		{`{"memory": {"limit": 67108864, "swap": 100663296}}`, []string{"memory.max", "67108864", "memory.swap.max",
			"33554432"}},
		{`{"memory": {"limit": 67108864, "swap": 67108864}}`, []string{"memory.max", "67108864", "memory.swap.max",
			"0"}},
		{`{"memory": {"limit": 67108864, "swap": -1}}`, []string{"memory.max", "67108864"}},
		{`{"memory": {"limit": -1}}`, nil},
		{`{"memory": {"limit": -1, "swap": 4096}}`, []string{"memory.swap.max", "4096"}},
		{`{"memory": {"reservation": 4096, "checkBeforeUpdate": true}}`, []string{"memory.low", "4096"}},
		{`{"cpu": {"shares": 1024}}`, nil},
		{`{"cpu": {"shares": 512}}`, []string{"cpu.weight", "59"}},
		{`{"cpu": {"shares": 2}}`, []string{"cpu.weight", "1"}},
		{`{"cpu": {"shares": 262144}}`, []string{"cpu.weight", "10000"}},
		{`{"cpu": {"quota": 50000, "period": 100000, "cpus": "0-1", "mems": "0"}}`,
			[]string{"cpu.max", "50000 100000", "cpuset.cpus", "0-1", "cpuset.mems", "0"}},
		{`{"cpu": {"quota": 50000, "burst": 1000}}`, []string{"cpu.max", "50000", "cpu.max.burst", "1000"}},
		{`{"cpu": {"quota": -1}}`, []string{"cpu.max", "max"}},
		{`{"cpu": {"idle": 1}}`, []string{"cpu.idle", "1"}},
		{`{"pids": {"limit": -1}}`, nil},
		{`{"pids": {"limit": 0}}`, []string{"pids.max", "1"}},
		{`{"unified": {"memory.oom.group": "1", "io.max": "8:0 rbps=1\n8:16 rbps=2\n"}}`,
			[]string{"io.max", "8:0 rbps=1", "io.max", "8:16 rbps=2", "memory.oom.group", "1"}},
		{`{"blockIO": {"weight": 1000}}`, []string{"io.bfq.weight", "1000", "io.weight", "10000"}},
		{`{"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "weight": 10}]}}`,
			[]string{"io.bfq.weight", "8:0 10", "io.weight", "8:0 1"}},
		{`{"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}],
			"throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 0}]}}`,
			[]string{"io.max", "8:0 rbps=600", "io.max", "8:16 wiops=max"}},
		{`{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}`,
			[]string{"hugetlb.2MB.max", "4194304", "hugetlb.2MB.rsvd.max", "4194304"}},
		{`{"rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}, "mlx4_0": {"hcaObjects": 7}}}`,
			[]string{"rdma.max", "mlx4_0 hca_object=7", "rdma.max", "mlx5_1 hca_handle=3 hca_object=10000"}},
		// what engines write for "not given"
		{`{"memory": {"limit": 0, "swap": 0, "reservation": 0, "kernel": -1, "kernelTCP": 0,
			"swappiness": null, "disableOOMKiller": false, "useHierarchy": true},
			"cpu": {"shares": 0, "quota": 0, "period": 0, "realtimeRuntime": 0, "realtimePeriod": 0,
			"cpus": "", "mems": ""}, "pids": {},
			"blockIO": {"weight": 0, "leafWeight": 0, "throttleReadBpsDevice": null},
			"hugepageLimits": null, "network": {"classID": 0, "priorities": []}}`, nil},
	} {
		var resources specs.LinuxResources
		if err := json.Unmarshal([]byte(test.resources), &resources); err != nil {
			t.Fatal(err)
		}
		spec := testSpec()
		spec.Linux.Resources = &resources
		p, err := Compile(spec, testOptions())
		if err != nil {
			t.Errorf("%s: %v", test.resources, err)
			continue
		}
		var got []string
		for _, s := range p.Steps {
			switch {
			case s.Name == "openat" && s.Args[0] == plan.Arg(cgroupFd):
				got = append(got, string(s.Args[1].(plan.Str)))
			case s.Name == "write" && s.Args[0] == plan.Arg(file) && !strings.HasPrefix(s.Args[1].String(), `"+`):
				got = append(got, string(s.Args[1].(*plan.Mem).Bytes))
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.resources, got, test.want)
		}
	}
}

// TestNoProcesses: 0 is a limit since version 1.3, and was none before.
func TestNoProcesses(t *testing.T) {
	for version, want := range map[string]bool{"1.3.0": true, "1.10.0-dev": true, "1.2.1": false, "1.0.2-dev": false} {
		spec, none := testSpec(), int64(0)
		spec.Version = version
		spec.Linux.Resources.Pids = &specs.LinuxPids{Limit: &none}
		limited := slices.ContainsFunc(calls(t, spec, "openat"), func(c string) bool {
			return strings.Contains(c, "pids.max")
		})
		if limited != want {
			t.Errorf("%s: limited %v, want %v", version, limited, want)
		}
	}
}

// TestDelegation: a cgroup that is mounted writable is the user's, and no other.
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
		var owned []string
		for _, c := range calls(t, spec, "fchownat") {
			if strings.HasPrefix(c, "fchownat(@cgroup, ") {
				owned = append(owned, c)
			}
		}
		if test.owner == "" && len(owned) == 0 {
			continue
		}
		if want := `fchownat(@cgroup, "cgroup.procs", ` + test.owner +
			`, -1, AT_SYMLINK_NOFOLLOW)`; !slices.Contains(owned, want) {
			t.Errorf("%+v: %q, want %s", test, owned, want)
		}
	}
}

// TestControllersArePassedDown: by every cgroup above, each controller once.
func TestControllersArePassedDown(t *testing.T) {
	spec := testSpec()
	limit := int64(5)
	spec.Linux.CgroupsPath = "/a/b/c"
	spec.Linux.Resources.Pids = &specs.LinuxPids{Limit: &limit}
	spec.Linux.Resources.Unified = map[string]string{"pids.x": "1", "cgroup.max.depth": "3"}
	var opened []string
	for _, c := range calls(t, spec, "openat") {
		if strings.Contains(c, "subtree_control") {
			opened = append(opened, c)
		}
	}
	if len(opened) != 3 || !strings.Contains(opened[2], `"a/b/cgroup.subtree_control"`) {
		t.Errorf("opened: %v", opened)
	}
	passed := 0
	for _, c := range calls(t, spec, "write") {
		if strings.Contains(c, `"+pids"`) {
			passed++
		}
		if strings.Contains(c, `"+cgroup"`) {
			t.Error(`the core's files are of no controller, but "+cgroup" is written`)
		}
	}
	if passed != 3 {
		t.Errorf("pids is passed down %d times, want 3", passed)
	}
}

func TestDeviceFolders(t *testing.T) {
	spec := testSpec()
	spec.Linux.Devices = []specs.LinuxDevice{
		{Path: "/dev/cpu/0/msr", Type: "c", Major: 202, Minor: 0},
		{Path: "/dev/cpu/1/msr", Type: "c", Major: 202, Minor: 1},
	}
	var made []string
	for _, c := range calls(t, spec, "mkdirat") {
		if strings.HasPrefix(c, "mkdirat(@dev, ") || strings.HasPrefix(c, `mkdirat(@above, "0"`) ||
			strings.HasPrefix(c, `mkdirat(@above, "1"`) {
			made = append(made, c)
		}
	}
	want := []string{`mkdirat(@dev, "cpu", 0755)`, `mkdirat(@above, "0", 0755)`, `mkdirat(@above, "1", 0755)`}
	if !slices.Equal(made, want) {
		t.Errorf("made %v, want %v", made, want)
	}
}

// TestPlanEscapesControlBytes: a text is shown as it is meant, and steers no terminal.
func TestPlanEscapesControlBytes(t *testing.T) {
	spec := testSpec()
	spec.Process.Args = []string{"echo", "\x1b]0;pwned\a\x1b[2J", "\x9b31m", "a\rb"}
	for _, c := range calls(t, spec, "execve") {
		if strings.ContainsAny(c, "\x1b\a\r\u009b") || strings.Contains(c, "\x9b") {
			t.Errorf("control bytes in %q", c)
		}
	}
}
