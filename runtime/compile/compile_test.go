package compile

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
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

// testSpec returns the config of a usual container.
func testSpec() *specs.Spec {
	spec := &specs.Spec{Version: specs.Version}
	set(spec, `"process": {"args": ["ls", "-l"], "env": ["PATH=/usr/bin:/bin", "HOME=/root"], "cwd": "/srv/app",
			"noNewPrivileges": true, "capabilities": {
				"bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
				"effective": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
				"permitted": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"]}},
		"root": {"path": "/bundle/rootfs"},
		"hostname": "box",
		"mounts": [
			{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
			{"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
				"options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
			{"destination": "/dev/pts", "type": "devpts", "source": "devpts",
				"options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
			{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
			{"destination": "/data", "type": "bind", "source": "/srv/data", "options": ["rbind", "rro"]}],
		"linux": {
			"cgroupsPath": "/minictr/ID",
			"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "uts"}, {"type": "ipc"}, {"type": "network"},
				{"type": "cgroup"}],
			"resources": {"devices": [{"allow": false, "access": "rwm"}]},
			"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
				"syscalls": [{"names": ["keyctl"], "action": "SCMP_ACT_ERRNO"}]},
			"maskedPaths": ["/proc/keys"],
			"readonlyPaths": ["/proc/sys"]}`)
	return spec
}

// set sets fields of an object, as they are written in JSON.
func set(object any, fields string) {
	d := json.NewDecoder(strings.NewReader("{" + fields + "}"))
	d.DisallowUnknownFields()
	if err := d.Decode(object); err != nil {
		panic(fmt.Sprintf("%s: %v", fields, err))
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
		"scope": func(s *specs.Spec, o *Options) {
			o.Root, s.Linux.MaskedPaths, s.Linux.ReadonlyPaths, s.Linux.Seccomp = nil, nil, nil, nil
			s.Linux.CgroupsPath, o.Held, o.Delegated = "/system.slice/box-ID.scope", true, "system.slice/box-ID.scope"
			set(s.Linux.Resources, `"memory": {"limit": 67108864}, "pids": {"limit": 1},
				"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]`)
		},
		"delegated": func(s *specs.Spec, o *Options) {
			o.Root, s.Linux.MaskedPaths, s.Linux.ReadonlyPaths, s.Linux.Seccomp = nil, nil, nil, nil
			s.Linux.CgroupsPath, o.Delegated, o.Count = "/minictr.scope/ID", "minictr.scope", []string{"memory"}
			set(s.Linux.Resources, `"pids": {"limit": 20}`)
		},
		"limits": func(s *specs.Spec, o *Options) {
			set(s.Linux.Resources, `"memory": {"limit": 67108864, "swap": 100663296, "reservation": 8388608},
				"cpu": {"shares": 512, "quota": 50000, "period": 100000}, "pids": {"limit": 100},
				"blockIO": {"weight": 100, "throttleReadBpsDevice": [{"major": 8, "minor": 16, "rate": 1048576}]},
				"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]`)
			set(s.Linux, `"sysctl": {"net.ipv4.ip_forward": "1", "kernel.msgmax": "4000"},
				"personality": {"domain": "LINUX32"},
				"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0-1,64", "flags": ["MPOL_F_STATIC_NODES"]}`)
			set(s.Process, `"oomScoreAdj": 500, "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
				{"type": "RLIMIT_CORE", "soft": 0, "hard": 18446744073709551615}],
				"scheduler": {"policy": "SCHED_BATCH", "nice": 5, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
				"ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6}, "apparmorProfile": "docker-default",
				"selinuxLabel": "system_u:system_r:container_t:s0",
				"user": {"uid": 1000, "gid": 1001, "additionalGids": [10, 20]}`)
			o.Reserved = new(int64(4 << 20))
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
		plan.ResumeWrite: true, plan.StepRead: true, plan.StepWrite: true,
		plan.Init: true, plan.Start: true, plan.StartError: true, "stdin": true, "stdout": true,
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
		for _, options := range []Options{{}, testOptions(), {Stops: true}} {
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
