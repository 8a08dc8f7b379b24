package compile

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/opencontainers/runtime-spec/specs-go"
)

var update = flag.Bool("update", false, "write testdata anew")

// testOptions are a machine and a store whose paths are fixed.
func testOptions() Options {
	return Options{
		Root: &Overlay{
			Dir: "/store/layers", Lower: []string{"cccc", "bbbb", "aaaa"},
			Changes: "/store/containers/ID",
		},
		Cgroup2: "/sys/fs/cgroup",
		Arch:    "amd64",
	}
}

// testSpec is a container as a runtime's user would ask for it.
func testSpec() *specs.Spec {
	caps := []string{"CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	return &specs.Spec{
		Version: specs.Version,
		Process: &specs.Process{
			Args:            []string{"ls", "-l"},
			Env:             []string{"PATH=/usr/bin:/bin", "HOME=/root"},
			Cwd:             "/srv/app",
			NoNewPrivileges: true,
			Capabilities:    &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps},
		},
		Root:     &specs.Root{Path: "/bundle/rootfs"},
		Hostname: "box",
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755",
				"size=65536k"}},
			{Destination: "/dev/pts", Type: "devpts", Source: "devpts",
				Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
			{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
			{Destination: "/data", Type: "bind", Source: "/srv/data", Options: []string{"rbind", "rro"}},
		},
		Linux: &specs.Linux{
			CgroupsPath: "/minictr/ID",
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.MountNamespace}, {Type: specs.UTSNamespace},
				{Type: specs.IPCNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.CgroupNamespace},
			},
			Resources: &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}},
			Seccomp: &specs.LinuxSeccomp{
				DefaultAction: specs.ActAllow,
				Architectures: []specs.Arch{specs.ArchX86_64},
				Syscalls:      []specs.LinuxSyscall{{Names: []string{"keyctl"}, Action: specs.ActErrno}},
			},
			MaskedPaths:   []string{"/proc/keys"},
			ReadonlyPaths: []string{"/proc/sys"},
		},
	}
}

// testContainer returns a config of testContainers.
func testContainer(name string) (*specs.Spec, Options) {
	spec, options := testSpec(), testOptions()
	testContainers()[name](spec, &options)
	return spec, options
}

// testContainers are the kinds of container whose plans are in testdata.
func testContainers() map[string]func(*specs.Spec, *Options) {
	return map[string]func(*specs.Spec, *Options){
		"default": func(s *specs.Spec, o *Options) { o.Null[0] = true },
		"bundle": func(s *specs.Spec, o *Options) {
			o.Root, o.Outlive = nil, true
			s.Linux.MaskedPaths, s.Linux.ReadonlyPaths, s.Linux.Seccomp = nil, nil, nil
		},
		"terminal": func(s *specs.Spec, o *Options) {
			s.Process.Terminal = true
			s.Process.ConsoleSize = &specs.Box{Height: 24, Width: 80}
		},
		"readonly": func(s *specs.Spec, o *Options) {
			s.Root.Readonly = true
			o.Count = []string{"memory", "io"}
			s.Mounts = append(s.Mounts,
				specs.Mount{Destination: "/run", Type: "tmpfs", Source: "tmpfs", Options: []string{"size=1m"}},
				specs.Mount{Destination: "/volume", Type: "bind", Source: RootSource + "/volume",
					Options: []string{"rbind"}})
		},
		"userns": func(s *specs.Spec, o *Options) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
			s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
			s.Linux.GIDMappings = s.Linux.UIDMappings
		},
		"mounts": func(s *specs.Spec, o *Options) {
			o.Root = nil
			ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 1000, Size: 10}}
			s.Mounts = []specs.Mount{
				{Destination: "/proc", Type: "proc", Source: "proc"},
				{Destination: "/run", Type: "tmpfs", Source: "tmpfs", Options: []string{"tmpcopyup", "nosuid",
					"mode=700", "sync", "ro"}},
				{Destination: "/tmp", Type: "tmpfs", Options: []string{"remount", "nodev", "size=1m"}},
				{Destination: "/mnt/own", Type: "none", Source: "/srv/own", Options: []string{"rbind", "ridmap", "rro",
					"rw", "rslave", "shared"}, UIDMappings: ids, GIDMappings: ids},
				{Destination: "mnt/too", Source: "/srv/too", Options: []string{"bind", "noatime"}, UIDMappings: ids,
					GIDMappings: ids},
				{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue"},
			}
			s.Linux.MountLabel = "system_u:object_r:container_file_t:s0:c1,c2"
			s.Linux.RootfsPropagation = "rslave"
			s.Linux.Devices = []specs.LinuxDevice{{Path: "/srv/fuse", Type: "c", Major: 10, Minor: 229},
				{Path: "/dev/pipes/one", Type: "p"}}
			s.Linux.MaskedPaths, s.Linux.ReadonlyPaths, s.Linux.Seccomp = []string{"/srv/secret"},
				[]string{"/srv/public"}, nil
		},
		"netdevices": func(s *specs.Spec, o *Options) {
			o.Root, s.Linux.MaskedPaths, s.Linux.ReadonlyPaths, s.Linux.Seccomp = nil, nil, nil, nil
			s.Linux.NetDevices = map[string]specs.LinuxNetDevice{"eth1": {Name: "net%d"}}
			o.NetDevices = map[string]NetDevice{"eth1": {Index: 3,
				Addresses: []NetAddress{{Family: 2, Prefix: 24, Text: "10.0.0.2/24"}}}}
		},
		"limits": func(s *specs.Spec, o *Options) {
			memory, swap, shares, quota, period, pids, adj := int64(64<<20), int64(96<<20), uint64(512), int64(50000),
				uint64(100000), int64(100), 500
			s.Linux.Resources.Memory = &specs.LinuxMemory{Limit: &memory, Swap: &swap, Reservation: new(int64(8 << 20))}
			o.Reserved = new(int64(4 << 20))
			s.Linux.Resources.CPU = &specs.LinuxCPU{Shares: &shares, Quota: &quota, Period: &period}
			s.Linux.Resources.Pids = &specs.LinuxPids{Limit: &pids}
			s.Linux.Sysctl = map[string]string{"net.ipv4.ip_forward": "1", "kernel.msgmax": "4000"}
			s.Process.OOMScoreAdj = &adj
			s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 100, Hard: 200},
				{Type: "RLIMIT_CORE", Soft: 0, Hard: ^uint64(0)}}
			weight := uint16(100)
			disk := specs.LinuxBlockIODevice{Major: 8, Minor: 16}
			s.Linux.Resources.BlockIO = &specs.LinuxBlockIO{Weight: &weight,
				ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{{LinuxBlockIODevice: disk, Rate: 1 << 20}}}
			s.Linux.Resources.HugepageLimits = []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: 4 << 20}}
			s.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux32}
			s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "0-1,64",
				Flags: []specs.MemoryPolicyFlagType{specs.MpolFStaticNodes}}
			s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch, Nice: 5,
				Flags: []specs.LinuxSchedulerFlag{specs.SchedFlagResetOnFork}}
			s.Process.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_BE, Priority: 6}
			s.Process.ApparmorProfile, s.Process.SelinuxLabel = "docker-default", "system_u:system_r:container_t:s0"
			s.Process.User = specs.User{UID: 1000, GID: 1001, AdditionalGids: []uint32{10, 20}}
			o.Stdio = [3]bool{true, false, false}
		},
	}
}

// TestGolden: each plan is the one in testdata, and sound.
func TestGolden(t *testing.T) {
	for name := range testContainers() {
		t.Run(name, func(t *testing.T) {
			p, err := Compile(testContainer(name))
			compareGolden(t, name, p, err)
		})
	}
}

// compareGolden compares a sound plan with its file.
func compareGolden(t *testing.T, name string, p *plan.Plan, err error) {
	t.Helper()
	testkit.Check(t, err)
	checkSteps(t, p)
	var text bytes.Buffer
	p.Print(&text, plan.Style{})
	golden := filepath.Join("testdata", name+".golden")
	if *update {
		testkit.Check(t, os.WriteFile(golden, text.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	testkit.Check(t, err)
	if line, got, want := firstDifference(text.String(), string(want)); line > 0 {
		t.Errorf("%s, line %d; go test -update writes it anew\n got %s\nwant %s", golden, line, got, want)
	}
}

func firstDifference(a, b string) (line int, left, right string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		left, right = "(nothing)", "(nothing)"
		if i < len(x) {
			left = x[i]
		}
		if i < len(y) {
			right = y[i]
		}
		if left != right {
			return i + 1, left, right
		}
	}
	return 0, "", ""
}

// TestSamePlan: the same config gives the same plan, whatever the order of maps.
func TestSamePlan(t *testing.T) {
	for name := range testContainers() {
		first, _ := Compile(testContainer(name))
		for range 4 {
			if again, _ := Compile(testContainer(name)); !reflect.DeepEqual(again, first) {
				t.Errorf("%s: another plan", name)
			}
		}
	}
}

// TestCompileChangesNoConfig: the config belongs to the caller.
func TestCompileChangesNoConfig(t *testing.T) {
	for name := range testContainers() {
		spec, options := testContainer(name)
		before, _ := json.Marshal(spec)
		Compile(spec, options)
		if after, _ := json.Marshal(spec); !bytes.Equal(before, after) {
			t.Errorf("%s: the config is another after Compile", name)
		}
	}
}

// checkSteps is what holds for every plan.
func checkSteps(t *testing.T, p *plan.Plan) {
	t.Helper()
	known := map[plan.Ref]bool{plan.ReportWrite: true, plan.ReportRead: true, plan.ResumeRead: true,
		plan.ResumeWrite: true, plan.Init: true, plan.Start: true, plan.StartError: true, "stdin": true, "stdout": true,
		"stderr": true}
	use := func(i int, r plan.Ref) {
		if r != "" && !known[r] {
			t.Errorf("step %d, %s: @%s is no result of an earlier step", i+1, p.Steps[i].Call(), r)
		}
	}
	begun, last := map[plan.Side]bool{plan.Host: true}, plan.Step{}
	for i, s := range p.Steps {
		if s.Why == "" || s.From == "" || s.Part == "" || plan.About(s.Part) == "" {
			t.Errorf("step %d, %s: part %q, from %q, why %q", i+1, s.Call(), s.Part, s.From, s.Why)
		}
		if len(s.Args) > 6 || s.Name == "" {
			t.Errorf("step %d, %s: not a system call", i+1, s.Call())
		}
		if !begun[s.Side] {
			t.Errorf("step %d, %s: made by the %s, which is not there yet", i+1, s.Call(), s.Side)
		}
		if s.Name == "clone3" || s.Name == "execveat" {
			begun[s.Child] = true
		}
		use(i, s.If)
		use(i, s.Unless)
		for _, a := range s.Args {
			if r, ok := a.(plan.Ref); ok {
				use(i, r)
			}
		}
		known[plan.Ref(s.Result)] = true
		last = s
	}
	if begun[plan.Container] && (last.Side != plan.Trampoline || last.Name != "execve") {
		t.Errorf("the end is %s, made by the %s", last.Call(), last.Side)
	}
}

// FuzzCompile: for any config there is an error or a sound plan.
func FuzzCompile(f *testing.F) {
	for name := range testContainers() {
		spec, _ := testContainer(name)
		data, err := json.Marshal(spec)
		testkit.Check(f, err)
		f.Add(data)
	}
	f.Add([]byte(`{"process":{"args":[""],"cwd":"/"},"root":{"path":"r"},"linux":{"namespaces":[{"type":"mount"}]}}`))
	f.Add([]byte(`{"process":{"args":["/x"],"cwd":"/","rlimits":[{}]},"root":{"path":"r"},
		"mounts":[{"destination":"/"}],"linux":{"namespaces":[{"type":"mount"}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		spec := &specs.Spec{}
		if json.Unmarshal(data, spec) != nil {
			return
		}
		for _, options := range []Options{{}, testOptions()} {
			p, err := Compile(spec, options)
			if err != nil {
				continue
			}
			checkSteps(t, p)
			for i := range p.Steps {
				if line := p.Line(i, plan.Style{}); strings.ContainsAny(line, "\x1b\x00\r") {
					t.Errorf("control bytes in %q", line)
				}
			}
		}
	})
}
