package hardening

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Row 7: cgroups of bundles.

// TestExistingCgroupRefused: an existing cgroup is an error of the second container, and
// does not harm the first.
func TestExistingCgroupRefused(t *testing.T) {
	guard(t)
	first := newBundle(t, "sh", "-c", "touch /started; while [ ! -e /end ]; do sleep 0.05; done; exit 7")
	cmd := first.command(t)
	testkit.Check(t, cmd.Start())
	testkit.Eventually(t, "the first container", func() bool { return exists(filepath.Join(first.root, "started")) })
	second := newBundle(t, "true")
	second.spec.Linux.CgroupsPath = first.spec.Linux.CgroupsPath
	second.run(t).refused(t, "already exists")
	run(second.commandAs(t, "another")).refused(t, "cgroup is not empty: 2 process(es) found")
	testkit.Check(t, os.WriteFile(filepath.Join(first.root, "end"), nil, 0o644))
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 7 {
		t.Errorf("the first container ended with %d", cmd.ProcessState.ExitCode())
	}
}

// TestCgroupPathStaysInMount: neither cgroupsPath nor the ID leads out of the cgroup
// filesystem.
func TestCgroupPathStaysInMount(t *testing.T) {
	guard(t)
	for _, path := range []string{"../../../.." + canary + "/dir", "/minictr/../../../../.." + canary, "..", "/",
		"a\x00b"} {
		b := newBundle(t, "true")
		b.spec.Linux.CgroupsPath = path
		r := run(b.commandAs(t, "victim"))
		r.refused(t, "linux.cgroupsPath")
		r.untouched(t)
	}
	for _, id := range []string{"../victim", "..", "x\x1b[31m", strings.Repeat("x", 300)} {
		b := newBundle(t, "true")
		b.spec.Linux.CgroupsPath = ""
		run(b.commandAs(t, id)).refused(t, "container ")
	}
}

// TestDevicesDeniedByDefault: a config without device rules allows only the default
// devices.
func TestDevicesDeniedByDefault(t *testing.T) {
	guard(t)
	b := newBundle(t, "sh", "-c", "mknod /kmsg c 1 11 && cat /kmsg; cat /dev/null && echo fine")
	b.spec.Linux.Resources = nil
	for _, set := range []*[]string{&b.spec.Process.Capabilities.Bounding, &b.spec.Process.Capabilities.Effective,
		&b.spec.Process.Capabilities.Permitted} {
		*set = append(*set, "CAP_MKNOD")
	}
	r := b.run(t)
	r.want(t, 0)
	if !strings.Contains(r.stderr, "Operation not permitted") || r.stdout != "fine\n" {
		t.Errorf("printed %q and %q", r.stdout, r.stderr)
	}
}

// TestOnlyOwnCgroupShownWithoutNamespace: without a cgroup namespace the container sees
// its own cgroup, and not the host's tree.
func TestOnlyOwnCgroupShownWithoutNamespace(t *testing.T) {
	guard(t)
	b := newBundle(t, "sh", "-c", "ls -d /sys/fs/cgroup/minictr; cat /sys/fs/cgroup/cgroup.procs")
	b.spec.Linux.Namespaces = slices.DeleteFunc(b.spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
		return n.Type == specs.CgroupNamespace
	})
	for i := range b.spec.Mounts {
		if m := &b.spec.Mounts[i]; m.Type == "cgroup" {
			m.Options = slices.DeleteFunc(m.Options, func(o string) bool { return o == "ro" })
		}
	}
	r := b.run(t)
	r.want(t, 0)
	if !strings.HasPrefix(r.stdout, "1\n") || !strings.Contains(r.stderr, "No such file") {
		t.Errorf("printed %q and %q", r.stdout, r.stderr)
	}
}

// TestFakeProcRefused: what is bound on /proc must be procfs, since settings are written
// there.
func TestFakeProcRefused(t *testing.T) {
	guard(t)
	fake := t.TempDir()
	for _, kind := range []string{"proc", "bind"} {
		b := newBundle(t, "true")
		testkit.Check(t, os.MkdirAll(filepath.Join(fake, "sys/net/ipv4"), 0o755))
		os.Symlink(filepath.Join(canary, "file"), filepath.Join(fake, "sys/net/ipv4/ip_forward"))
		b.unmount(below("/proc"))
		b.spec.Mounts = append(b.spec.Mounts, specs.Mount{Destination: "/proc", Type: kind, Source: fake,
			Options: []string{"bind"}})
		b.spec.Linux.Sysctl = nil
		b.run(t).refused(t, "PROC_SUPER_MAGIC")
		b.spec.Linux.Sysctl = map[string]string{"net.ipv4.ip_forward": "1"}
		r := b.run(t)
		r.refused(t, "linux.sysctl")
		r.untouched(t)
	}
}

// TestFewFiles: RLIMIT_NOFILE of the process may be lower than the number of files that
// creating the container needs.
func TestFewFiles(t *testing.T) {
	guard(t)
	b := newBundle(t, "sh", "-c", "ulimit -n")
	b.spec.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 16, Hard: 16}}
	if r := b.run(t); r.code != 0 || r.stdout != "16\n" {
		t.Errorf("%d, %q, %q", r.code, r.stdout, r.stderr)
	}
}
