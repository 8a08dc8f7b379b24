package main

// Whatever is left out, the container does not reach the computer. A script tries it, with each
// part and each pair of parts left out. What it tries to change is there for it to be changed:
// files that everybody may write, processes, a mount, a cgroup, kernel parameters whose values
// do not matter. A call that would damage the computer if it succeeded is not made: instead
// the user namespace is looked at, since outside the first one none of them is permitted.

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/without"
	"golang.org/x/sys/unix"
)

// attack is the script: its arguments are the directory of files, and the numbers of processes.
const attack = `
dir=$1; shift
try() { "$@" >/dev/null 2>&1; }

# files: by all paths that may lead out, and by open descriptors
mkdir -p /tmp/m
harm='echo harm >.'$dir'/file; rm -f .'$dir'/other; umount -l .'$dir'/mount; echo harm >.'$dir'/mount/file
	echo harm 1<>.'$dir'/fifo'
for root in / /proc/1/root /proc/1/root/.. /proc/1/cwd /proc/2/root /proc/2/cwd /proc/self/fd/100; do
	try sh -c "cd $root && { $harm; }"
	try sh -c "cd $root && { echo harm >file; echo harm >../file; echo harm >mount/file; rm -f other ../other; }"
done
try chroot /proc /1/root/bin/busybox sh -c "cd /1/root/.. && { $harm; }"
for p in 1 2 $$; do try nsenter -t $p -m sh -c "cd / && { $harm; }"; done
for fd in 3 4 5 6 7 8 9 10 11 12 100; do
	try sh -c "echo harm >&$fd"
	try sh -c "echo harm >/proc/self/fd/$fd"
	try sh -c "cd /proc/self/fd/$fd && { $harm; }"
done

# mounts
try mount -o remount,rw,bind /
try mount -o bind /proc/1/root /tmp/m && try sh -c "cd /tmp/m && { $harm; }"
try umount -l /tmp/m

# devices: kmsg, and a memory device
for d in "c 1 11" "c 1 7"; do
	try mknod /tmp/device $d && try sh -c 'echo harm >/tmp/device' && echo HARM device $d
	rm -f /tmp/device
done

# kernel parameters, through the container's procfs and through a new one
try mount -t proc proc /tmp/m
for sys in /proc/sys /proc/1/root/proc/sys /tmp/m/sys; do
	try sh -c "echo harm >$sys/kernel/domainname"
	try sh -c "echo 1 >$sys/kernel/shm_rmid_forced"
	try sh -c "echo 46 >$sys/fs/lease-break-time"
	try sh -c "echo 1 >$sys/net/ipv4/conf/lo/log_martians"
done
try umount -l /tmp/m
try hostname harm
try ip link set lo down
try insmod /etc/motd; insmod /etc/motd 2>&1 | grep -Eq 'not permitted|not support' || echo HARM module

# cgroups
try mount -t cgroup2 none /tmp/m
for kill in $(find / -name cgroup.kill 2>/dev/null | grep canary); do try sh -c "echo 1 >$kill"; done
for procs in $(find / -name cgroup.procs 2>/dev/null | grep canary); do try sh -c "echo $$ >$procs"; done
try umount -l /tmp/m

# processes
for p in "$@"; do try kill -9 $p; done
echo in $(readlink /proc/self/ns/user)
try kill -9 -1
echo done
`

func TestNoPartHarmsComputer(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: 200 containers")
	}
	needOuterHost(t)
	c := newCanaries(t)
	for i := range without.Parts {
		for k := range i + 1 {
			list, flags := without.Parts[i].Name, without.Parts[i].Flags
			if others := without.Parts[i].Others; others != "" {
				list += "," + others
			}
			if k < i {
				list += "," + without.Parts[k].Name
				flags += " " + without.Parts[k].Flags
			}
			c.attack(t, list, flags)
			if t.Failed() {
				t.Fatalf("--without %s", list)
			}
		}
	}
}

// canaries are things of this computer that an attack could change, and nobody needs.
type canaries struct {
	dir   string
	open  *os.File
	fifo  int
	pids  []string
	group string
	look  testkit.Picture
}

func newCanaries(t *testing.T) *canaries {
	t.Helper()
	c := &canaries{}
	// files and a mount
	dir, err := os.MkdirTemp("/var/tmp", "minictr-canary")
	testkit.Check(t, err)
	c.dir = dir
	t.Cleanup(func() { os.RemoveAll(dir) })
	testkit.Check(t, os.Chmod(dir, 0o777))
	mount := filepath.Join(dir, "mount")
	testkit.Check(t, os.Mkdir(mount, 0o777))
	testkit.Check(t, unix.Mount("canary", mount, "tmpfs", 0, "mode=0777"))
	t.Cleanup(func() { unix.Unmount(mount, unix.MNT_DETACH) })
	for _, name := range []string{"file", "other", "open", "mount/file"} {
		path := filepath.Join(dir, name)
		testkit.Check(t, os.WriteFile(path, []byte("alive"), 0o666))
		testkit.Check(t, os.Chmod(path, 0o666))
	}
	c.open, err = os.OpenFile(filepath.Join(dir, "open"), os.O_RDWR|os.O_APPEND, 0)
	testkit.Check(t, err)
	t.Cleanup(func() { c.open.Close() })

	fifo := filepath.Join(dir, "fifo")
	testkit.Check(t, unix.Mkfifo(fifo, 0o666), os.Chmod(fifo, 0o666))
	c.fifo, err = unix.Open(fifo, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	testkit.Check(t, err)
	t.Cleanup(func() { unix.Close(c.fifo) })

	// processes, one of them in a cgroup
	root, err := cgroup.Mount()
	testkit.Check(t, err)
	c.group = filepath.Join(root, "minictr-canary")
	testkit.Check(t, os.MkdirAll(c.group, 0o755))
	t.Cleanup(func() { os.Remove(c.group) })
	for i := range 2 {
		sleep := exec.Command("sleep", "1000")
		testkit.Check(t, sleep.Start())
		t.Cleanup(func() { sleep.Process.Kill(); sleep.Wait() })
		pid := fmt.Sprint(sleep.Process.Pid)
		c.pids = append(c.pids, pid)
		if i == 1 {
			testkit.Check(t, os.WriteFile(filepath.Join(c.group, "cgroup.procs"), []byte(pid), 0))
		}
	}
	c.look = c.picture(t)
	return c
}

// attack runs the script in a container without parts, and looks at the canaries.
func (c *canaries) attack(t *testing.T, list, flags string) {
	t.Helper()
	words := append([]string{"run", "--rm", "--without", list}, strings.Fields(flags)...)
	words = append(words, "demo", "sh", "-c", attack, "attack", c.dir)
	run := exec.Command("minictr", append(words, c.pids...)...)
	run.Dir = c.dir
	run.ExtraFiles = []*os.File{c.open}
	out, err := run.CombinedOutput()
	text := string(out)
	if !strings.Contains(text, "done\n") {
		t.Errorf("the script did not come to its end: %v", err)
	}
	own, err := os.Readlink("/proc/self/ns/user")
	testkit.Check(t, err)
	if strings.Contains(text, "HARM") || strings.Contains(text, own) {
		t.Error("in the user namespace of this computer, or worse")
	}
	c.look.Same(t, func() testkit.Picture { return c.picture(t) })
	if t.Failed() {
		t.Logf("%s", text)
	}
}

// picture is what the canaries are like.
func (c *canaries) picture(t *testing.T) testkit.Picture {
	t.Helper()
	p := testkit.Picture{}
	for _, name := range []string{"file", "other", "open", "mount/file"} {
		data, err := os.ReadFile(filepath.Join(c.dir, name))
		p[name] = fmt.Sprint(string(data), err)
	}
	n, err := unix.Read(c.fifo, make([]byte, 100))
	p["fifo"] = fmt.Sprint(n, err)
	for _, name := range []string{"kernel/domainname", "kernel/hostname", "kernel/shm_rmid_forced",
		"fs/lease-break-time", "net/ipv4/conf/lo/log_martians"} {
		p[name] = testkit.ReadFile(t, "/proc/sys/"+name)
	}
	for _, pid := range c.pids {
		data, _ := os.ReadFile("/proc/" + pid + "/stat")
		_, state, _ := strings.Cut(string(data), ") ")
		p["process "+pid] = fmt.Sprint(len(state) > 0 && state[0] == 'S')
	}
	for line := range strings.Lines(testkit.ReadFile(t, "/proc/self/mountinfo")) {
		if strings.Contains(line, "canary") || strings.Contains(line, "/container") {
			p["mount "+line] = ""
		}
	}
	p["members of the cgroup"] = testkit.ReadFile(t, filepath.Join(c.group, "cgroup.procs"))
	flags, err := os.ReadFile("/sys/class/net/lo/flags")
	p["lo"] = fmt.Sprint(string(flags), err)
	return p
}
