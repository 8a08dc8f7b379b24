package runtime

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	goruntime "runtime"
	"strings"
	"testing"

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
	for name, test := range map[string]struct{ config, want, unless string }{ // unless this file exists
		"SELinux": {`{"process": {"selinuxLabel": "system_u:system_r:container_t:s0"}}`,
			"does not run SELinux", "/sys/fs/selinux/enforce"},
		"AppArmor": {`{"process": {"apparmorProfile": "docker-default"}}`,
			"does not run AppArmor", "/proc/self/attr/apparmor"},
		"profile":   {`{"process": {"apparmorProfile": "no-such-profile"}}`, "process.apparmorProfile", ""},
		"scheduler": {`{"process": {"scheduler": {"policy": "SCHED_ISO"}}}`, "sched(7)", ""},
		"priority":  {`{"process": {"scheduler": {"policy": "SCHED_FIFO", "priority": 100}}}`, "sched(7)", ""},
		"memory node": {`{"linux": {"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "999"}}}`,
			"/sys/devices/system/node/online", ""},
		"oomScoreAdj":    {`{"process": {"oomScoreAdj": -999}}`, "CAP_SYS_RESOURCE", ""},
		"systemd cgroup": {`{"linux": {"cgroupsPath": "system.slice:minictr:x"}}`, "cgroupfs", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(test.unless); err == nil {
				t.Skipf("%s exists", test.unless)
			}
			if test.want == "CAP_SYS_RESOURCE" && hasSysResource(t) {
				t.Skip("this process has CAP_SYS_RESOURCE")
			}
			newContainer(t, fields(test.config), "echo it runs").runFails(t, test.want)
		})
	}
}

func hasSysResource(t *testing.T) bool {
	t.Helper()
	_, line, _ := strings.Cut(testkit.ReadFile(t, "/proc/self/status"), "CapEff:\t")
	var set uint64
	_, err := fmt.Sscanf(line, "%x", &set)
	testkit.Check(t, err)
	return set&(1<<24) != 0
}
