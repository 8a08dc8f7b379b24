package runtime

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// What the fields of process and linux in a config do to a process is asked of
// that process: a container of busybox looks at itself.

// run runs a shell's words in a container of the config that change makes.
func run(t *testing.T, program string, change func(*specs.Spec), words string) (output string, err error) {
	t.Helper()
	dir := fieldsBundle(t, change, words)
	id := fmt.Sprintf("fields-%d-%s", os.Getpid(), filepath.Base(filepath.Dir(dir)))
	out, err := exec.Command(program, "run", "--bundle", dir, strings.ReplaceAll(id, "/", "-")).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// fieldsBundle makes the container's folder.
func fieldsBundle(t *testing.T, change func(*specs.Spec), words string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	root := filepath.Join(dir, "rootfs")
	for _, name := range []string{"bin", "proc", "sys/fs/cgroup", "dev"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "bin/sh"), busybox, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cat", "grep", "ionice", "uname", "id", "head", "ls", "mkdir", "sleep", "ip", "test",
		"readlink"} {
		if err := os.Symlink("sh", filepath.Join(root, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	spec := &specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: root},
		Process: &specs.Process{Args: []string{"sh", "-c", words}, Env: []string{"PATH=/bin"}, Cwd: "/",
			NoNewPrivileges: true,
			Capabilities:    &specs.LinuxCapabilities{}},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs"},
		},
		Linux: &specs.Linux{Namespaces: []specs.LinuxNamespace{{Type: specs.PIDNamespace}, {Type: specs.MountNamespace},
			{Type: specs.IPCNamespace}}},
	}
	change(spec)
	data, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestProcessFields(t *testing.T) {
	program := oci(t)
	umask := uint32(0o137)
	adj := 700
	for name, test := range map[string]struct {
		change func(*specs.Spec)
		words  string
		want   string
	}{
		"scheduler": {
			func(s *specs.Spec) { s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch, Nice: 7} },
			`set -- $(cat /proc/$$/stat); echo nice ${19} policy ${41}`, "nice 7 policy 3",
		},
		"a real-time scheduler": {
			func(s *specs.Spec) { s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedRR, Priority: 3} },
			`set -- $(cat /proc/$$/stat); echo priority ${40} policy ${41}`, "priority 3 policy 2",
		},
		"a scheduler that children do not inherit": {
			func(s *specs.Spec) {
				s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedFIFO, Priority: 1,
					Flags: []specs.LinuxSchedulerFlag{specs.SchedFlagResetOnFork}}
			},
			`set -- $(cat /proc/$$/stat); echo ${41}; set -- $(cat /proc/self/stat); echo ${41}`, "1\n0",
		},
		"deadline": {
			func(s *specs.Spec) {
				s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedDeadline, Runtime: 10e6, Deadline: 30e6,
					Period: 30e6}
				s.Process.Args = []string{"cat", "/proc/self/stat"}
			},
			``, " 6 ",
		},
		"ioPriority": {
			func(s *specs.Spec) {
				s.Process.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_BE, Priority: 6}
			},
			`ionice; ionice -p $$`, "best-effort: prio 6\nbest-effort: prio 6",
		},
		"ioPriority idle": {
			func(s *specs.Spec) {
				s.Process.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_IDLE, Priority: 4}
			},
			`ionice`, "idle",
		},
		"personality": {
			func(s *specs.Spec) { s.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux32} },
			`uname -m`, "i686",
		},
		"memoryPolicy": {
			func(s *specs.Spec) {
				s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "0",
					Flags: []specs.MemoryPolicyFlagType{specs.MpolFStaticNodes}}
			},
			`head -n 1 /proc/self/numa_maps`, " bind=static:0 ",
		},
		"oomScoreAdj": {
			func(s *specs.Spec) { s.Process.OOMScoreAdj = &adj },
			`cat /proc/$$/oom_score_adj`, "700",
		},
		"user": {
			func(s *specs.Spec) {
				s.Process.User = specs.User{UID: 1000, GID: 1001, Umask: &umask,
					AdditionalGids: []uint32{5, 4000000000}}
			},
			`umask; id -u; id -G; grep Groups /proc/self/status`,
			"0137\n1000\n1001 5 4000000000\nGroups:\t5 4000000000",
		},
		"no capabilities": {
			func(s *specs.Spec) { s.Process.Capabilities = nil },
			`grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb):.*[1-9a-f]' /proc/self/status || echo none`, "none",
		},
		"capabilities that cannot be granted": {
			func(s *specs.Spec) {
				s.Process.Capabilities.Bounding = []string{"CAP_KILL", "CAP_FLY"}
			},
			`grep CapBnd /proc/self/status`, "CapBnd:\t0000000000000020",
		},
		"and are told": {
			func(s *specs.Spec) { s.Process.Capabilities.Ambient = []string{"CAP_FLY"} },
			``, `process.capabilities.ambient: "CAP_FLY": cannot be granted`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "deadline" {
				needDeadline(t)
			}
			out, err := run(t, program, test.change, test.words)
			if err != nil || !strings.Contains(out, test.want) {
				t.Errorf("%v\n%s\nwant %s", err, out, test.want)
			}
		})
	}
}

// needDeadline skips a test where nobody gets SCHED_DEADLINE: it is for processes
// that may run on all CPUs.
func needDeadline(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("chrt", "--deadline", "-T", "10000000", "-D", "30000000", "-P", "30000000", "0",
		"true").CombinedOutput(); err != nil {
		t.Skipf("SCHED_DEADLINE: %s", out)
	}
}

// TestExecFields: another process in a container is treated as its own config says.
func TestExecFields(t *testing.T) {
	program := oci(t)
	adj := 300
	last := fmt.Sprint(goruntime.NumCPU() - 1)
	for name, test := range map[string]struct {
		change func(*specs.Process)
		words  string
		want   string
	}{
		"execCPUAffinity": {
			func(p *specs.Process) { p.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0", Final: last} },
			`grep Cpus_allowed_list /proc/self/status`, "Cpus_allowed_list:\t" + last,
		},
		"initial alone": {
			func(p *specs.Process) { p.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0"} },
			`grep Cpus_allowed_list /proc/self/status`, "Cpus_allowed_list:\t0",
		},
		"oomScoreAdj": {
			func(p *specs.Process) { p.OOMScoreAdj = &adj },
			`cat /proc/$$/oom_score_adj`, "300",
		},
		"scheduler": {
			func(p *specs.Process) { p.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch, Nice: 3} },
			`set -- $(cat /proc/$$/stat); echo nice ${19} policy ${41}`, "nice 3 policy 3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := execute(t, program, test.change, test.words)
			if err != nil || out != test.want {
				t.Errorf("%v\n%s\nwant %s", err, out, test.want)
			}
		})
	}
}

// execute runs words as another process of a container that sleeps.
func execute(t *testing.T, program string, change func(*specs.Process), words string) (output string, err error) {
	t.Helper()
	dir := fieldsBundle(t, func(*specs.Spec) {}, "sleep 60")
	oci := func(args ...string) *exec.Cmd {
		return exec.Command(program, append([]string{"--root", filepath.Join(dir, "state")}, args...)...)
	}
	id := fmt.Sprintf("fields-%d", os.Getpid())
	if err := oci("run", "--detach", "--bundle", dir, id).Run(); err != nil { // with a pipe, sleep would keep it open
		t.Fatal(err)
	}
	defer func() {
		if out, err := oci("delete", "--force", id).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}()
	p := &specs.Process{Args: []string{"sh", "-c", words}, Env: []string{"PATH=/bin"}, Cwd: "/"}
	change(p)
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "process.json")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := oci("exec", "--process", file, id).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// TestRlimits: each of the sixteen, and what it says of itself.
func TestRlimits(t *testing.T) {
	program := oci(t)
	limits := map[string]string{
		"RLIMIT_CPU": "Max cpu time", "RLIMIT_FSIZE": "Max file size", "RLIMIT_DATA": "Max data size",
		"RLIMIT_STACK": "Max stack size",
		"RLIMIT_CORE":  "Max core file size", "RLIMIT_RSS": "Max resident set", "RLIMIT_NPROC": "Max processes",
		"RLIMIT_NOFILE":  "Max open files",
		"RLIMIT_MEMLOCK": "Max locked memory", "RLIMIT_AS": "Max address space", "RLIMIT_LOCKS": "Max file locks",
		"RLIMIT_SIGPENDING": "Max pending signals",
		"RLIMIT_MSGQUEUE":   "Max msgqueue size", "RLIMIT_NICE": "Max nice priority",
		"RLIMIT_RTPRIO": "Max realtime priority", "RLIMIT_RTTIME": "Max realtime timeout",
	}
	small := map[string]bool{"RLIMIT_NICE": true, "RLIMIT_RTPRIO": true} // their hard limit is 0 as a rule
	out, err := run(t, program, func(s *specs.Spec) {
		for name := range limits {
			l := specs.POSIXRlimit{Type: name, Soft: 1 << 30, Hard: 1<<30 + 1}
			switch {
			case small[name]:
				l.Soft, l.Hard = 0, 0
			case name == "RLIMIT_NPROC" || name == "RLIMIT_NOFILE" || name == "RLIMIT_SIGPENDING" ||
				name == "RLIMIT_MEMLOCK" || name == "RLIMIT_MSGQUEUE":
				l.Soft, l.Hard = 201, 202
			}
			s.Process.Rlimits = append(s.Process.Rlimits, l)
		}
	}, "cat /proc/self/limits")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, text := range limits {
		_, line, _ := strings.Cut(out, text+" ")
		want := "1073741824 1073741825"
		switch {
		case small[name]:
			want = "0 0"
		case strings.Contains("RLIMIT_NPROC RLIMIT_NOFILE RLIMIT_SIGPENDING RLIMIT_MEMLOCK RLIMIT_MSGQUEUE", name):
			want = "201 202"
		}
		if got := strings.Fields(line); len(got) < 2 || got[0]+" "+got[1] != want {
			t.Errorf("%s: %.40q, want %s", name, line, want)
		}
	}
}

// TestProcessRefused: what this machine does not have, or does not allow, is an error
// and a hint, never a container without.
func TestProcessRefused(t *testing.T) {
	program := oci(t)
	minus := -999
	for name, test := range map[string]struct {
		change func(*specs.Spec)
		want   string
		unless string // a file that there is where it would not be refused
	}{
		"selinuxLabel": {func(s *specs.Spec) {
			s.Process.SelinuxLabel = "system_u:system_r:container_t:s0"
		}, "does not run SELinux", "/sys/fs/selinux/enforce"},
		"apparmorProfile": {func(s *specs.Spec) {
			s.Process.ApparmorProfile = "docker-default"
		}, "does not run AppArmor", "/proc/self/attr/apparmor"},
		"a profile": {func(s *specs.Spec) {
			s.Process.ApparmorProfile = "no-such-profile"
		}, "process.apparmorProfile", ""},
		"a scheduler": {func(s *specs.Spec) {
			s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedISO}
		}, "sched(7)", ""},
		"a priority": {func(s *specs.Spec) {
			s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedFIFO, Priority: 100}
		}, "sched(7)", ""},
		"a memory node": {func(s *specs.Spec) {
			s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MpolBind, Nodes: "999"}
		}, "linux.memoryPolicy", ""},
		"oomScoreAdj":      {func(s *specs.Spec) { s.Process.OOMScoreAdj = &minus }, "CAP_SYS_RESOURCE", ""},
		"systemd's cgroup": {func(s *specs.Spec) { s.Linux.CgroupsPath = "system.slice:minictr:x" }, "cgroupfs", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(test.unless); err == nil {
				t.Skipf("there is %s here", test.unless)
			}
			if test.want == "CAP_SYS_RESOURCE" && maySetResources(t) {
				t.Skip("this machine allows it")
			}
			out, err := run(t, program, test.change, "echo it runs")
			if err == nil || !strings.Contains(out, test.want) || strings.Contains(out, "it runs") {
				t.Errorf("%v\n%s\nwant a hint with %s", err, out, test.want)
			}
		})
	}
}

// maySetResources tells whether this process has CAP_SYS_RESOURCE.
func maySetResources(t *testing.T) bool {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(status), "CapEff:\t")
	var set uint64
	if _, err := fmt.Sscanf(line, "%x", &set); err != nil {
		t.Fatal(err)
	}
	return set&(1<<24) != 0
}
