package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

func TestCapabilities(t *testing.T) {
	base := strings.Fields("CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT " +
		"SETFCAP")
	for _, test := range []struct {
		name, add, drop string
		has, hasNot     string
		privileged      bool
	}{
		{"defaults", "", "", strings.Join(base, " "), "MKNOD NET_RAW AUDIT_WRITE SYS_ADMIN", false},
		{"any spelling", "net_raw CAP_MKNOD Cap_Audit_Write", "", "NET_RAW MKNOD AUDIT_WRITE CHOWN", "SYS_ADMIN",
			false},
		{"drop", "", "CHOWN kill", "FOWNER", "CHOWN KILL", false},
		{"drop all", "", "ALL", "", strings.Join(base, " "), false},
		{"drop all, add one", "NET_ADMIN", "all", "NET_ADMIN", strings.Join(base, " "), false},
		{"add all, drop one", "ALL", "SYS_ADMIN", "SYS_MODULE CHECKPOINT_RESTORE CHOWN", "SYS_ADMIN", false},
		{"add wins over drop", "CHOWN", "CHOWN", "CHOWN", "", false},
		{"privileged", "", "", "SYS_ADMIN SYS_MODULE CHOWN", "", true},
		{"privileged, drop one", "", "SYS_ADMIN", "SYS_MODULE CHOWN", "SYS_ADMIN", true},
		{"privileged, drop all", "", "ALL", "", "SYS_ADMIN SYS_MODULE CHOWN", true},
		{"privileged, drop all, add one", "SYS_MODULE", "ALL", "SYS_MODULE", "SYS_ADMIN CHOWN", true},
		{"privileged, add all", "ALL", "CHOWN", "SYS_ADMIN SYS_MODULE", "CHOWN", true},
	} {
		spec := mustConfig(t, Options{
			Privileged: test.privileged, CapAdd: strings.Fields(test.add), CapDrop: strings.Fields(test.drop),
		})
		got := spec.Process.Capabilities
		for _, name := range strings.Fields(test.has) {
			if !slices.Contains(got.Bounding, "CAP_"+name) || !slices.Contains(got.Effective, "CAP_"+name) {
				t.Errorf("%s: no %s in %v", test.name, name, got.Bounding)
			}
		}
		for _, name := range strings.Fields(test.hasNot) {
			if slices.Contains(got.Bounding, "CAP_"+name) || slices.Contains(got.Effective, "CAP_"+name) {
				t.Errorf("%s: %s in %v", test.name, name, got.Bounding)
			}
		}
	}
	testkit.Equal(t, "default capabilities", len(mustConfig(t, Options{}).Process.Capabilities.Bounding), 11)
	_, err := testConfig(t, Options{CapAdd: []string{"NET_RAVE"}})
	testkit.WantError(t, "unknown", err, `--cap-add "NET_RAVE": no such capability`)
	_, err = testConfig(t, Options{CapDrop: []string{""}})
	testkit.WantError(t, "empty", err, `--cap-drop "": no such capability`)
}

// TestInheritableAndAmbientEmpty: an inheritable or ambient capability would be an
// ordinary user's after execve.
func TestInheritableAndAmbientEmpty(t *testing.T) {
	for name, o := range map[string]Options{
		"default": {}, "user": {User: "ada"}, "privileged": {Privileged: true}, "all": {CapAdd: []string{"ALL"},
			User: "5:5"},
	} {
		got := mustConfig(t, o).Process.Capabilities
		if len(got.Inheritable) > 0 || len(got.Ambient) > 0 {
			t.Errorf("%s: inheritable %v, ambient %v", name, got.Inheritable, got.Ambient)
		}
		if len(got.Bounding) == 0 {
			t.Errorf("%s: empty bounding set", name)
		}
		if o.User != "" && (len(got.Effective) > 0 || len(got.Permitted) > 0) {
			t.Errorf("%s: an ordinary user has %v, %v", name, got.Effective, got.Permitted)
		}
	}
}

func TestSecurityOpt(t *testing.T) {
	dir := t.TempDir()
	profile := filepath.Join(dir, "profile.json")
	text := `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]}`
	testkit.Check(t, os.WriteFile(profile, []byte(text), 0o644))
	for _, test := range []struct {
		opt           string
		privileged    bool
		noNewPrivs    bool
		defaultAction string // of seccomp, "" for none
	}{
		{"", false, true, "SCMP_ACT_ERRNO"},
		{"no-new-privileges", false, true, "SCMP_ACT_ERRNO"},
		{"no-new-privileges=false", false, false, "SCMP_ACT_ERRNO"},
		{"no-new-privileges:false", false, false, "SCMP_ACT_ERRNO"},
		{"seccomp=unconfined", false, true, ""},
		{"seccomp:unconfined", false, true, ""},
		{"seccomp=builtin", true, false, "SCMP_ACT_ERRNO"},
		{"seccomp=" + profile, false, true, "SCMP_ACT_ALLOW"},
		{"", true, false, ""},
		{"no-new-privileges:true", true, true, ""},
	} {
		o := Options{Privileged: test.privileged}
		if test.opt != "" {
			o.SecurityOpt = []string{test.opt}
		}
		spec := mustConfig(t, o)
		action := ""
		if spec.Linux.Seccomp != nil {
			action = string(spec.Linux.Seccomp.DefaultAction)
		}
		if spec.Process.NoNewPrivileges != test.noNewPrivs || action != test.defaultAction {
			t.Errorf("%+v: no_new_privs %v, seccomp %q", test, spec.Process.NoNewPrivileges, action)
		}
	}
	for opt, want := range map[string]string{
		"selinux=on":                `--security-opt "selinux=on": unknown`,
		"apparmor=x":                "AppArmor does not run on this machine",
		"seccomp":                   "no value",
		"systempaths=all":           "not systempaths=unconfined",
		"mask=proc":                 `"proc": not an absolute path`,
		"no-new-privileges=maybe":   `"maybe": not true or false`,
		"seccomp=/nonexistent/file": `open "/nonexistent/file": no such file`,
		"seccomp=/dev/null":         "--security-opt seccomp=",
	} {
		_, err := testConfig(t, Options{SecurityOpt: []string{opt}})
		testkit.WantError(t, opt, err, want)
	}
}

// TestSecurityModules: an option without effect is taken, one that would be missed refused.
func TestSecurityModules(t *testing.T) {
	for opt, profile := range map[string]string{
		"label=disable": "", "label:type:spc_t": "", "apparmor=unconfined": "", "apparmor=mine": "mine",
	} {
		host := testHost()
		host.AppArmor = true
		spec, _, err := Config(&Options{SecurityOpt: []string{opt}}, testImage(), testFiles(), host)
		testkit.Check(t, err)
		testkit.Equal(t, opt, spec.Process.ApparmorProfile, profile)
	}
	host := testHost()
	host.SELinux = true
	_, _, err := Config(&Options{SecurityOpt: []string{"label=type:spc_t"}}, testImage(), testFiles(), host)
	testkit.WantError(t, "label", err, "SELinux labels are not supported")
}

// TestMaskOptions: masked and read-only paths can be left out or added.
func TestMaskOptions(t *testing.T) {
	plain := mustConfig(t, Options{}).Linux
	for opt, want := range map[string][2]int{
		"systempaths=unconfined":       {0, 0},
		"unmask=ALL":                   {0, 0},
		"unmask=/proc/kcore:/proc/irq": {len(plain.MaskedPaths) - 1, len(plain.ReadonlyPaths) - 1},
		"unmask=/proc/*":               {len(plain.MaskedPaths) - 10, 0},
		"mask=/proc/mine:/etc/shadow":  {len(plain.MaskedPaths) + 2, len(plain.ReadonlyPaths)},
		"no-new-privileges=false":      {len(plain.MaskedPaths), len(plain.ReadonlyPaths)},
	} {
		l := mustConfig(t, Options{SecurityOpt: []string{opt}}).Linux
		testkit.Equal(t, opt, [2]int{len(l.MaskedPaths), len(l.ReadonlyPaths)}, want)
	}
	testkit.Equal(t, "default", len(mustConfig(t, Options{}).Linux.MaskedPaths), len(plain.MaskedPaths))
}

// TestSeccompFollowsCapabilities: with CAP_SYS_ADMIN the filter allows mount(2).
func TestSeccompFollowsCapabilities(t *testing.T) {
	allows := func(o Options) bool {
		for _, call := range mustConfig(t, o).Linux.Seccomp.Syscalls {
			if call.Action == "SCMP_ACT_ALLOW" && slices.Contains(call.Names, "mount") {
				return true
			}
		}
		return false
	}
	if allows(Options{}) || !allows(Options{CapAdd: []string{"SYS_ADMIN"}}) {
		t.Errorf("mount allowed: %v by default, %v with SYS_ADMIN", allows(Options{}),
			allows(Options{CapAdd: []string{"SYS_ADMIN"}}))
	}
}

// TestDeviceRulesStartFromDeny, and no other rule opens what the runtime does
// not open for every container.
func TestDeviceRulesStartFromDeny(t *testing.T) {
	rules := mustConfig(t, Options{}).Linux.Resources.Devices
	if first := rules[0]; len(rules) != 1 || first.Allow || first.Type != "" || first.Major != nil ||
		first.Access != "rwm" {
		t.Errorf("rules %+v, want deny all", rules)
	}
	for _, m := range mustConfig(t, Options{}).Mounts {
		if m.Type == "cgroup" && !slices.Contains(m.Options, "ro") {
			t.Errorf("cgroups are writable: %+v", m)
		}
	}
}

func TestMaskedPathsOfConfig(t *testing.T) {
	got := mustConfig(t, Options{}).Linux.MaskedPaths
	for _, path := range strings.Fields(`/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys
		/proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats /sys/firmware
		/sys/devices/virtual/powercap /sys/devices/system/cpu/cpu0/thermal_throttle`) {
		if !slices.Contains(got, path) {
			t.Errorf("%s is not masked", path)
		}
	}
}

// TestErrorsQuoteControlBytes: a word of the command line or of the image comes
// back in an error, but not the bytes that would steer a terminal.
func TestErrorsQuoteControlBytes(t *testing.T) {
	const evil = "\x1b]0;owned\a\u009b"
	words := []string{evil}
	for name, o := range map[string]Options{
		"name": {Name: evil}, "hostname": {Hostname: evil}, "user": {User: evil}, "group": {User: "0:" + evil},
		"workdir": {Workdir: evil}, "volume": {Volumes: words}, "volume mode": {Volumes: []string{"/a:/b:" + evil}},
		"mount": {Mounts: words}, "mount type": {Mounts: []string{"dst=/a,type=" + evil}}, "tmpfs": {Tmpfs: words},
		"tmpfs option": {Tmpfs: []string{"/a:" + evil}}, "cap": {CapAdd: words}, "opt": {SecurityOpt: words},
		"seccomp": {SecurityOpt: []string{"seccomp=" + evil}}, "env": {Env: []string{"=" + evil}},
		"env-file": {EnvFiles: words},
		"network":  {Network: evil}, "userns": {Userns: evil}, "memory": {Limits: Limits{Memory: evil}},
		"swap":        {Limits: Limits{Memory: "8m", MemorySwap: evil}},
		"reservation": {Limits: Limits{MemoryReservation: evil}}, "cpus": {Limits: Limits{CPUs: evil}},
		"cpuset":      {Limits: Limits{CpusetCPUs: evil}},
		"disk":        {Limits: Limits{DeviceReadBps: []string{evil + ":1"}}},
		"huge pages":  {Limits: Limits{HugetlbLimits: words}},
		"cgroup file": {Limits: Limits{CgroupConf: words}}, "ulimit": {Ulimits: words},
		"ulimit name":  {Ulimits: []string{evil + "=1"}},
		"ulimit value": {Ulimits: []string{"core=" + evil}}, "sysctl": {Sysctls: words},
		"home": {Env: []string{"HOME=:" + evil}},
	} {
		_, err := testConfig(t, o)
		wantPlain(t, name, err)
	}
	_, _, err := StopSignal(&Options{StopSignal: evil}, testImage())
	wantPlain(t, "stop signal", err)
	image := testImage()
	image.Config.Volumes = map[string]struct{}{"/proc/" + evil: {}}
	_, _, err = Config(&Options{}, image, testFiles(), testHost())
	wantPlain(t, "image volume", err)
}
