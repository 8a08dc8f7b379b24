package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// What needs cgroup v2 with its controllers, or an older kernel, is tried in a
// virtual machine (scripts/vm): Debian 12's kernel, Linux 6.1.

// vmScript prints a line "== NAME" before the output of each check.
const vmScript = `
minictr load -i /files/demo.tar >/dev/null
try() { echo "== $1"; shift; "$@" 2>&1; echo "exit $?"; }
try plain minictr run --rm demo
try limits minictr run --rm --memory 64m --cpus 0.5 --cpu-shares 512 --pids-limit 20 demo sh -c '
	cd /sys/fs/cgroup; grep . memory.max memory.swap.max memory.oom.group cpu.max cpu.weight pids.max'
try default-pids minictr run --rm demo cat /sys/fs/cgroup/pids.max
try memory minictr run --rm --memory 32m demo tail /dev/zero
try pids minictr run --rm --pids-limit 5 demo sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 3 & done; true'
try cpus minictr run --rm --cpus 0.2 demo sh -c '
	i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; grep nr_throttled /sys/fs/cgroup/cpu.stat'
try device minictr run --rm --cap-add MKNOD demo sh -c 'mknod /kmsg c 1 11 && cat /kmsg'
try read-only minictr run --rm demo sh -c 'echo 1 > /sys/fs/cgroup/pids.max'
try unified minictr run --rm demo cat /proc/self/cgroup
try left find /sys/fs/cgroup/minictr -mindepth 1 -type d
`

func TestVirtualMachine(t *testing.T) {
	if runtime.GOARCH != "amd64" || os.Getuid() != 0 {
		t.Skip("scripts/vm boots an amd64 machine, and installs QEMU as root")
	}
	if testing.Short() {
		t.Skip("-short: no virtual machine")
	}
	files := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	shell(t, root, "make", "build")
	shell(t, root, "scripts/demo-image", filepath.Join(files, "demo.tar"))
	t.Setenv("VM_FILES", files)
	output := shell(t, root, "scripts/vm", vmScript)

	for name, want := range map[string]string{
		"plain":        `hello from the second layer[^=]*exit 0`,
		"limits":       `memory.max:67108864\n.*\nmemory.oom.group:1\ncpu.max:50000 100000\ncpu.weight:59\npids.max:20\nexit 0`,
		"default-pids": `^2048\nexit 0`,
		"memory":       `^(?s:.*)exit 137`,
		"pids":         `can't fork: Resource temporarily unavailable(?s:.*)exit 2`,
		"cpus":         `nr_throttled [1-9][0-9]*\nexit 0`,
		"device":       `can't open '/kmsg': Operation not permitted\nexit 1`,
		"read-only":    `Read-only file system\nexit 1`,
		"unified":      `^0::/\nexit 0`,
		"left":         `^exit 0`,
	} {
		t.Run(name, func(t *testing.T) {
			_, got, _ := strings.Cut(output, "== "+name+"\n")
			got, _, _ = strings.Cut(got, "== ")
			if !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("printed\n%s\nwant a match of %s", got, want)
			}
		})
	}
}

// shell runs a command in dir and returns what it prints.
func shell(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}
