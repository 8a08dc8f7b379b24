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

// What needs cgroup v2 with its controllers is tried in a virtual machine
// (scripts/vm): the limits of a container that lives, what it uses, its end when
// it uses too much.

// vmScript prints a line "== NAME" before the output of each check.
const vmScript = `
cd /files
try() { echo "== $1"; shift; "$@" 2>&1; echo "exit $?"; }
begin() { minictr-oci create -b $1 $1 </dev/null >/$1.log 2>&1 && minictr-oci start $1; }
group() { cd /sys/fs/cgroup/minictr-test*/$1; shift; grep . "$@"; }
try begin begin sleeps
try update minictr-oci update --memory 64m --memory-swap 96m --memory-reservation 16m --cpu-quota 50000 --cpu-period 200000 \
	--cpu-burst 1000 --cpu-share 512 --cpuset-cpus 0 --pids-limit 20 sleeps
try limits group sleeps memory.max memory.swap.max memory.low cpu.max cpu.max.burst cpu.weight cpuset.cpus pids.max
cd /files
echo '{"pids": {"limit": 21}}' >limits.json
try file minictr-oci update --resources limits.json sleeps
try others-stay group sleeps memory.max pids.max
cd /files
echo '{"pids": {"limit": -1}}' | try stdin minictr-oci update -r - sleeps
try no-limit group sleeps pids.max
cd /files
try wrong minictr-oci update --cpu-quota 5 sleeps
try stats minictr-oci events --stats sleeps
begin counts
sleep 1
try pause minictr-oci pause counts
cp counts/rootfs/tmp/n before; sleep 1
try frozen cmp before counts/rootfs/tmp/n
try resume minictr-oci resume counts
sleep 1
try thawed cmp -s before counts/rootfs/tmp/n
minictr-oci create -b eats eats </dev/null >/dev/null 2>&1
minictr-oci update --memory 16m --memory-swap 16m eats
minictr-oci events --interval 1h eats >events &
sleep 1
minictr-oci start eats
wait
try oom cat events
try ended minictr-oci state eats
for id in sleeps counts eats; do minictr-oci delete --force $id; done
try left find /sys/fs/cgroup/minictr-test* /run/minictr-oci -mindepth 1 -type d
`

func TestVirtualMachine(t *testing.T) {
	if runtime.GOARCH != "amd64" || os.Getuid() != 0 {
		t.Skip("scripts/vm boots an amd64 machine, and installs QEMU as root")
	}
	if testing.Short() {
		t.Skip("-short: no virtual machine")
	}
	files := t.TempDir()
	for name, args := range map[string]string{
		"sleeps": `["sleep", "1000"]`,
		"counts": `["sh", "-c", "while true; do echo >>/tmp/n; done"]`,
		"eats":   `["tail", "/dev/zero"]`,
	} {
		patch := `{"root": {"readonly": false}, "process": {"args": ` + args + `}}`
		if err := writeBundle(filepath.Join(files, name), name, patch); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("VM_FILES", files)
	inRoot(t, "make", "build")
	output := inRoot(t, "scripts/vm", vmScript)
	for name, want := range map[string]string{
		"begin":  `^exit 0`,
		"update": `^exit 0`,
		"limits": `memory.max:67108864\nmemory.swap.max:33554432\nmemory.low:16777216\ncpu.max:50000 200000\n` +
			`cpu.max.burst:1000\ncpu.weight:59\ncpuset.cpus:0\npids.max:20\nexit 0`,
		"file":        `^exit 0`,
		"others-stay": `^memory.max:67108864\npids.max:21\nexit 0`,
		"stdin":       `^exit 0`,
		"no-limit":    `^max\nexit 0`,
		"wrong":       `cpu.*invalid argument\nexit 1`,
		"stats":       `"memory":{"usage":{"limit":67108864,.*"pids":{"current":1}.*\nexit 0`,
		"pause":       `^exit 0`,
		"frozen":      `^exit 0`,
		"resume":      `^exit 0`,
		"thawed":      `^exit 1`,
		"oom":         `^({"type":"oom","id":"eats"}\n)+exit 0`,
		"ended":       `"status": "stopped"`,
		"left":        `^exit 0`,
	} {
		_, got, _ := strings.Cut(output, "== "+name+"\n")
		got, _, _ = strings.Cut(got, "== ")
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: printed\n%s\nwant a match of %s", name, got, want)
		}
	}
}

// inRoot runs a command in the project's folder and returns what it prints.
func inRoot(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}
