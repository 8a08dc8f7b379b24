package runtime

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/lsm"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// The fields of process and linux in a config, as the process finds them.

// fields changes the fields of a config that are in a JSON text.
func fields(text string) func(*specs.Spec) {
	return func(s *specs.Spec) {
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(s); err != nil {
			panic(fmt.Sprintf("%s: %v", text, err))
		}
	}
}

func TestProcessFields(t *testing.T) {
	const stat = "set -- $(cat /proc/$$/stat); "
	for name, test := range map[string]struct{ config, script, want string }{
		"scheduler": {`{"process": {"scheduler": {"policy": "SCHED_BATCH", "nice": 7}}}`,
			stat + "echo nice ${19} policy ${41}", "nice 7 policy 3"},
		"real-time scheduler": {`{"process": {"scheduler": {"policy": "SCHED_RR", "priority": 3}}}`,
			stat + "echo priority ${40} policy ${41}", "priority 3 policy 2"},
		"scheduler that children do not inherit": {
			`{"process": {"scheduler":
				{"policy": "SCHED_FIFO", "priority": 1, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}}}`,
			stat + "echo ${41}; set -- $(cat /proc/self/stat); echo ${41}", "1\n0"},
		"deadline": {`{"process": {"args": ["cat", "/proc/self/stat"], "scheduler":
			{"policy": "SCHED_DEADLINE", "runtime": 10000000, "deadline": 30000000, "period": 30000000}}}`, "", " 6 "},
		"ioPriority": {`{"process": {"ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6}}}`,
			"ionice; ionice -p $$", "best-effort: prio 6\nbest-effort: prio 6"},
		"ioPriority idle": {`{"process": {"ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 4}}}`,
			"ionice", "idle"},
		"personality": {`{"linux": {"personality": {"domain": "LINUX32"}}}`, "uname -m", "i686"},
		"memoryPolicy": {
			`{"linux": {"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}}}`,
			"head -n 1 /proc/self/numa_maps", " bind=static:0 "},
		"oomScoreAdj": {`{"process": {"oomScoreAdj": 700}}`, "cat /proc/$$/oom_score_adj", "700"},
		"user": {`{"process": {"user": {"uid": 1000, "gid": 1001, "umask": 95, "additionalGids": [5, 4000000000]}}}`,
			"umask; id -u; id -G; grep Groups /proc/self/status",
			"0137\n1000\n1001 5 4000000000\nGroups:\t5 4000000000"},
		"no capabilities": {`{"process": {"capabilities": null}}`,
			"grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb):.*[1-9a-f]' /proc/self/status || echo none", "none"},
		"capabilities that cannot be granted": {`{"process": {"capabilities": {"bounding": ["CAP_KILL", "CAP_FLY"]}}}`,
			"grep CapBnd /proc/self/status", "CapBnd:\t0000000000000020"},
		"warning": {`{"process": {"capabilities": {"ambient": ["CAP_FLY"]}}}`, "",
			`process.capabilities.ambient: "CAP_FLY": cannot be granted`},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.NeedRoot(t)
			if name == "deadline" { // only a process that may run on all CPUs gets it
				chrt := exec.Command("sh", "-c", "chrt --deadline -T 10000000 -D 30000000 -P 30000000 0 true")
				if out, err := chrt.CombinedOutput(); err != nil {
					t.Skipf("SCHED_DEADLINE: %s", out)
				}
			}
			if out := newContainer(t, fields(test.config), test.script).run(t); !strings.Contains(out, test.want) {
				t.Errorf("%s\nwant %s", out, test.want)
			}
		})
	}
}

// exec runs a script as another process, whose config has the fields of a JSON text.
func (c *container) exec(t *testing.T, text, script string) string {
	t.Helper()
	p := &specs.Process{Args: []string{"sh", "-c", script}, Env: []string{"PATH=/bin"}, Cwd: "/"}
	fields(`{"process": ` + text + `}`)(&specs.Spec{Process: p})
	data, err := json.Marshal(p)
	testkit.Check(t, err, os.WriteFile(c.file("process.json"), data, 0o644))
	return c.must(t, "exec", "--process", c.file("process.json"), c.id)
}

// TestExecFields: another process has the attributes of its own config.
func TestExecFields(t *testing.T) {
	c := newContainer(t, unchanged, "sleep 60")
	c.must(t, "run", "--detach", c.id)
	last := fmt.Sprint(goruntime.NumCPU() - 1)
	for _, test := range []struct{ config, script, want string }{
		{`{"execCPUAffinity": {"initial": "0", "final": "` + last + `"}}`, "grep Cpus_allowed_list /proc/self/status",
			"Cpus_allowed_list:\t" + last},
		{`{"execCPUAffinity": {"initial": "0"}}`, "grep Cpus_allowed_list /proc/self/status", "Cpus_allowed_list:\t0"},
		{`{"oomScoreAdj": 300}`, "cat /proc/$$/oom_score_adj", "300"},
		{`{"scheduler": {"policy": "SCHED_BATCH", "nice": 3}}`,
			"set -- $(cat /proc/$$/stat); echo nice ${19} policy ${41}", "nice 3 policy 3"},
	} {
		want(t, c.exec(t, test.config, test.script), test.want)
	}
}

// TestRlimits: /proc/self/limits shows each of the sixteen.
func TestRlimits(t *testing.T) {
	const large, small, zero = "1073741824 1073741825", "201 202", "0 0" // some have a low hard limit
	limits := map[string]struct{ name, want string }{
		"RLIMIT_CPU": {"Max cpu time", large}, "RLIMIT_FSIZE": {"Max file size", large},
		"RLIMIT_DATA": {"Max data size", large}, "RLIMIT_STACK": {"Max stack size", large},
		"RLIMIT_CORE": {"Max core file size", large}, "RLIMIT_RSS": {"Max resident set", large},
		"RLIMIT_NPROC": {"Max processes", small}, "RLIMIT_NOFILE": {"Max open files", small},
		"RLIMIT_MEMLOCK": {"Max locked memory", small}, "RLIMIT_AS": {"Max address space", large},
		"RLIMIT_LOCKS": {"Max file locks", large}, "RLIMIT_SIGPENDING": {"Max pending signals", small},
		"RLIMIT_MSGQUEUE": {"Max msgqueue size", small}, "RLIMIT_NICE": {"Max nice priority", zero},
		"RLIMIT_RTPRIO": {"Max realtime priority", zero}, "RLIMIT_RTTIME": {"Max realtime timeout", large},
	}
	c := newContainer(t, unchanged, "cat /proc/self/limits")
	for kind, limit := range limits {
		r := specs.POSIXRlimit{Type: kind}
		fmt.Sscan(limit.want, &r.Soft, &r.Hard)
		c.spec.Process.Rlimits = append(c.spec.Process.Rlimits, r)
	}
	out := c.run(t)
	for kind, limit := range limits {
		_, line, _ := strings.Cut(out, limit.name+" ")
		if got := strings.Fields(line); len(got) < 2 || got[0]+" "+got[1] != limit.want {
			t.Errorf("%s: %.40q, want %s", kind, line, limit.want)
		}
	}
}

// TestUnavailableFieldsRefused: what this machine lacks or forbids is an error with a
// hint, never left out.
func TestUnavailableFieldsRefused(t *testing.T) {
	for name, test := range map[string]struct{ config, want string }{
		"profile":   {`{"process": {"apparmorProfile": "no-such-profile"}}`, "process.apparmorProfile"},
		"scheduler": {`{"process": {"scheduler": {"policy": "SCHED_ISO"}}}`, "sched(7)"},
		"priority":  {`{"process": {"scheduler": {"policy": "SCHED_FIFO", "priority": 100}}}`, "sched(7)"},
		"memory node": {`{"linux": {"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "999"}}}`,
			"/sys/devices/system/node/online"},
		"oomScoreAdj":    {`{"process": {"oomScoreAdj": -999}}`, "CAP_SYS_RESOURCE"},
		"systemd cgroup": {`{"linux": {"cgroupsPath": "system.slice:minictr:x"}}`, "cgroupfs"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "profile" && !lsm.AppArmor() {
				t.Skip("this kernel does not run AppArmor")
			}
			if test.want == "CAP_SYS_RESOURCE" && hasSysResource(t) {
				t.Skip("this process has CAP_SYS_RESOURCE")
			}
			newContainer(t, fields(test.config), "echo it runs").runFails(t, test.want)
		})
	}
}

// TestLabelsWithoutModuleIgnored: a label of a security module that this kernel does not run
// is ignored with a warning, as crun ignores it.
func TestLabelsWithoutModuleIgnored(t *testing.T) {
	const label = `"system_u:system_r:container_t:s0"`
	for field, test := range map[string]struct {
		config string
		runs   bool // the module
	}{
		"process.selinuxLabel":    {`{"process": {"selinuxLabel": ` + label + `}}`, lsm.SELinux()},
		"process.apparmorProfile": {`{"process": {"apparmorProfile": "docker-default"}}`, lsm.AppArmor()},
		"linux.mountLabel":        {`{"linux": {"mountLabel": ` + label + `}}`, lsm.SELinux()},
	} {
		t.Run(field, func(t *testing.T) {
			if test.runs {
				t.Skip("this kernel runs the module")
			}
			wantWarning := func(out, text string) {
				t.Helper()
				if !strings.Contains(out, field+": this kernel does not run ") || !strings.HasSuffix(out, text) {
					t.Errorf("%s\nwant a warning, and %q", out, text)
				}
			}
			c := newContainer(t, fields(test.config), "echo it runs")
			c.spec.Hooks = &specs.Hooks{StartContainer: inside("true")}
			wantWarning(c.run(t), "it runs")
			c.spec.Process.Args[2] = "sleep 60"
			wantWarning(c.must(t, "run", "--detach", c.id), "")
			out := c.sh(t, "echo it runs, too")
			if field == "linux.mountLabel" {
				want(t, out, "it runs, too")
			} else {
				wantWarning(out, "it runs, too")
			}
		})
	}
}

// TestExecCapabilities: --cap adds to the ambient set what the process may inherit, as with
// runc; an ambient capability that cannot be raised, or one that is unknown, is warned of.
func TestExecCapabilities(t *testing.T) {
	c := newContainer(t, fields(`{"process": {"capabilities": {
		"bounding": ["CAP_KILL", "CAP_CHOWN", "CAP_SYSLOG"], "effective": ["CAP_KILL"],
		"permitted": ["CAP_KILL", "CAP_CHOWN"], "inheritable": ["CAP_CHOWN", "CAP_SYSLOG"],
		"ambient": ["CAP_CHOWN", "CAP_SYSLOG"]}}}`), "sleep 60")
	out := c.must(t, "run", "--detach", c.id)
	if !strings.Contains(out, "can't raise ambient capability CAP_SYSLOG: ") || strings.Contains(out, "CAP_CHOWN") {
		t.Errorf("%s\nwant a warning of CAP_SYSLOG alone", out)
	}
	const sets = "grep Cap /proc/self/status | tr -d '\\t\\n'"
	amb := func(out string) string { return out[strings.Index(out, "CapInh"):] }
	want(t, amb(c.sh(t, sets)), "CapInh:0000000400000001CapPrm:0000000000000021CapEff:0000000000000021"+
		"CapBnd:0000000400000021CapAmb:0000000000000001")
	want(t, c.must(t, "exec", "--cap", "CAP_SYSLOG", "--cap", "CAP_KILL", c.id, "sh", "-c", sets),
		"CapInh:0000000400000001CapPrm:0000000400000021CapEff:0000000400000021"+
			"CapBnd:0000000400000021CapAmb:0000000400000001")
	out = c.must(t, "exec", "--cap", "CAP_FLY", c.id, "sh", "-c", "echo it runs")
	if !strings.Contains(out, `"CAP_FLY": cannot be granted, ignored`) || !strings.HasSuffix(out, "it runs") {
		t.Errorf("%s\nwant a warning of CAP_FLY, and the program's output", out)
	}
}

// TestPlainNewlines: the output of a terminal reaches a file as the program wrote it, as with
// runc.
func TestPlainNewlines(t *testing.T) {
	c := newContainer(t, unchanged, "stty -a 2>/dev/null | grep -o '.onlcr'; echo a; echo b")
	c.mount("/dev/pts", "devpts", "devpts")
	c.spec.Process.Terminal = true
	want(t, c.run(t), "-onlcr\na\nb")
	c.spec.Process.Args[2], c.spec.Process.Terminal = "sleep 60", false
	c.must(t, "run", "--detach", c.id)
	want(t, c.must(t, "exec", "--tty", c.id, "sh", "-c", "echo a; echo b"), "a\nb")
}

func hasSysResource(t *testing.T) bool {
	t.Helper()
	_, line, _ := strings.Cut(testkit.ReadFile(t, "/proc/self/status"), "CapEff:\t")
	var set uint64
	_, err := fmt.Sscanf(line, "%x", &set)
	testkit.Check(t, err)
	return set&(1<<24) != 0
}

// TestScoreInUserNamespace: a container with a user namespace has the OOM score of its config.
func TestScoreInUserNamespace(t *testing.T) {
	b := newBundle(t)
	b.mapRoot(t, 100000)
	score := 500
	b.spec.Process.OOMScoreAdj = &score
	if got := b.output("cat /proc/self/oom_score_adj"); got != "500" {
		t.Errorf("the score is %q, want 500", got)
	}
}
