package hardening

// Row 6: an attacker changes the root, or a volume in it, while the container is made: a
// directory when it is checked is a link when it is used. One helper exchanges the two
// in a loop; another waits, by strace, for a certain call.

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// swapping exchanges two paths in a loop until stop is called, which returns how often.
func swapping(t *testing.T, a, b string) (stop func() int) {
	t.Helper()
	quit, count := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-quit:
				count <- n
				return
			default:
				if unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE) == nil {
					n++
				}
			}
		}
	}()
	return func() int { close(quit); return <-count }
}

// raceTime is how long containers are started during the swapping.
const raceTime = time.Second

// TestSwappedMountTargetStaysInRoot: a mount target is a directory, then a link to the
// host, in a loop.
func TestSwappedMountTargetStaysInRoot(t *testing.T) {
	guard(t)
	if testing.Short() {
		t.Skip("takes a second for each kind of link")
	}
	for what, target := range map[string]string{
		"absolute":        canary,
		"upwards":         "../../../../../../../../.." + canary,
		"through /proc":   "/proc/self/fd/3",
		"to /proc itself": "/proc/1",
	} {
		t.Run(what, func(t *testing.T) {
			b := newBundle(t, "sh", "-c", "echo > /vol/lost; ls /proc/1/status")
			b.spec.Mounts = append(b.spec.Mounts, specs.Mount{Destination: "/vol", Type: "tmpfs", Source: "tmpfs"})
			vol, trap := filepath.Join(b.root, "vol"), filepath.Join(b.root, "trap")
			testkit.Check(t, os.Mkdir(vol, 0o755))
			testkit.Check(t, os.Symlink(target, trap))
			stop := swapping(t, vol, trap)
			ran, refused := 0, 0
			for start := time.Now(); time.Since(start) < raceTime; {
				r := b.run(t, leak(t)...)
				r.untouched(t)
				switch {
				case r.code == 0:
					ran++
				case strings.Contains(r.stderr, "/vol"):
					refused++
				case !strings.Contains(r.stderr, "nonexistent directory"):
					t.Errorf("exit code %d: %s", r.code, r.stderr)
				}
			}
			t.Logf("%d ran, %d were refused, %d swaps", ran, refused, stop())
			// a link that stays in the root is followed: the tmpfs is then at its end
			if strings.HasPrefix(target, "/proc") && (exists(vol+"/lost") || exists(trap+"/lost")) {
				t.Errorf("what was meant for the tmpfs lies in the root")
			}
		})
	}
}

// TestSwappedDanglingLinkStaysInRoot: a mount point lies in a directory of a volume that is a
// dangling link to one place, then to another, in a loop: the places of the host that the
// links name outside the root are not touched, and nothing is mounted in /proc or /dev.
func TestSwappedDanglingLinkStaysInRoot(t *testing.T) {
	guard(t)
	if testing.Short() {
		t.Skip("takes a second for each kind of link")
	}
	for what, target := range map[string]string{
		"absolute": canary + "/made/deep",
		"upwards":  "../../../../../../../../.." + canary + "/made/deep",
		"/proc":    "/proc/1/made",
		"/dev":     "/dev/made",
		"loop":     "trap",
	} {
		t.Run(what, func(t *testing.T) {
			volume := t.TempDir()
			link, trap := filepath.Join(volume, "link"), filepath.Join(volume, "trap")
			testkit.Check(t, os.Symlink("/made/in/root", link), os.Symlink(target, trap))
			b := newBundle(t, "sh", "-c", "cut -d' ' -f5 /proc/self/mountinfo; ls /dev")
			b.spec.Mounts = append(b.spec.Mounts,
				specs.Mount{Destination: "/vol", Type: "bind", Source: volume, Options: []string{"rbind"}},
				specs.Mount{Destination: "/vol/link/x", Type: "tmpfs", Source: "tmpfs"})
			stop := swapping(t, link, trap)
			ran := 0
			for start := time.Now(); time.Since(start) < raceTime; {
				r := b.run(t)
				r.untouched(t)
				if r.code == 0 {
					ran++
				}
				if strings.Contains(r.stdout, "/proc/1/made") || strings.Contains(r.stdout, "made\n") {
					t.Errorf("a mount in a filesystem of the kernel: %s", r.stdout)
				}
			}
			t.Logf("%d ran, %d swaps", ran, stop())
			files, err := os.ReadDir(volume)
			testkit.Check(t, err)
			testkit.Equal(t, "files in the volume", len(files), 2)
		})
	}
}

// swapAt runs a command, and exchanges two paths while the container's process is
// delayed at a call, the when-th of its kind. If the call returned before the exchange,
// it tries again with a longer delay.
func swapAt(t *testing.T, cmd *exec.Cmd, call string, number, when int, x, y string) (r result) {
	t.Helper()
	swap := func() {
		if err := unix.Renameat2(unix.AT_FDCWD, x, unix.AT_FDCWD, y, unix.RENAME_EXCHANGE); err != nil {
			t.Errorf("swap %s and %s: %v", x, y, err)
		}
	}
	for delay := 400 * time.Millisecond; delay < testkit.Timeout/2; delay *= 2 {
		ended, swapped := make(chan struct{}), make(chan bool)
		go func() {
			inTime := false
			if awaitStop(number, ended) {
				swap()
				if inTime = isStopped(number); !inTime {
					<-ended
					swap()
				}
			}
			swapped <- inTime
		}()
		r = run(traced(t, cmd, fmt.Sprintf("%s:delay_enter=%d:when=%d", call, delay.Microseconds(), when)))
		close(ended)
		if <-swapped {
			return r
		}
	}
	t.Fatalf("nobody was seen at %s: %+v", call, r)
	return r
}

// traced is the command under strace with this injection.
func traced(t *testing.T, cmd *exec.Cmd, inject string) *exec.Cmd {
	t.Helper()
	testkit.NeedTool(t, "strace")
	call, _, _ := strings.Cut(inject, ":")
	args := []string{"-f", "-qq", "-o", filepath.Join(t.TempDir(), "trace"), "-e", "trace=" + call, "-e",
		"inject=" + inject}
	outer := exec.Command("strace", append(args, cmd.Args...)...)
	outer.Stdin, outer.ExtraFiles = cmd.Stdin, cmd.ExtraFiles
	return outer
}

// awaitStop waits until the container's process is delayed at the call of this number,
// and reports whether it was.
func awaitStop(number int, ended <-chan struct{}) bool {
	seen := 0
	for deadline := time.Now().Add(testkit.Timeout / 6); time.Now().Before(deadline) && seen < 5; {
		if isStopped(number) {
			seen++
		} else {
			seen = 0
		}
		select {
		case <-ended:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
	return seen == 5
}

// isStopped reports whether a process of a container is in this call.
func isStopped(number int) bool {
	return slices.ContainsFunc(contained(), func(pid int) bool {
		call, _ := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
		return strings.HasPrefix(string(call), strconv.Itoa(number)+" ")
	})
}

// contained lists the processes in a child PID namespace, which have an ID in each
// (proc(5), NSpid).
func contained() (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, file := range all {
		status, _ := os.ReadFile(file)
		if strings.Contains(string(status), "State:\tZ") {
			continue // a zombie
		}
		_, numbers, _ := strings.Cut(string(status), "NSpid:")
		numbers, _, _ = strings.Cut(numbers, "\n")
		if f := strings.Fields(numbers); len(f) == 2 {
			pid, _ := strconv.Atoi(f[0])
			pids = append(pids, pid)
		}
	}
	return pids
}

// TestMountGoesToOpenedTarget: the mount target is moved after it was opened. The mount
// goes to the opened directory.
func TestMountGoesToOpenedTarget(t *testing.T) {
	guard(t)
	b := newBundle(t, "sh", "-c", "cat /vol/file /trap/mark; ls /vol")
	vol, trap := filepath.Join(b.root, "vol"), filepath.Join(b.root, "trap")
	testkit.Check(t, os.Mkdir(vol, 0o755))
	testkit.Check(t, os.Symlink("/proc/self/fd/3", trap))
	source := t.TempDir()
	testkit.Check(t, os.WriteFile(filepath.Join(source, "mark"), []byte("the volume\n"), 0o644))
	b.spec.Linux.Sysctl = nil // there is no procfs
	b.spec.Mounts = []specs.Mount{{Destination: "/vol", Type: "bind", Source: source, Options: []string{"rbind"}},
		b.spec.Mounts[0]}
	r := swapAt(t, b.command(t, leak(t)...), "move_mount", unix.SYS_MOVE_MOUNT, 2, vol, trap)
	r.untouched(t)
	if r.stdout != "the volume\n" {
		t.Errorf("want the volume where the directory is now: %+v", r)
	}
}

// TestSwappedImageVolumeStaysInRoot: a directory of the root that becomes a mount is
// replaced by a link to /proc after it was checked.
func TestSwappedImageVolumeStaysInRoot(t *testing.T) {
	guard(t)
	b := newBundle(t, "ls", "/trap/", "/vol/")
	vol, trap := filepath.Join(b.root, "vol"), filepath.Join(b.root, "trap")
	testkit.Check(t, os.Mkdir(vol, 0o755))
	testkit.Check(t, os.WriteFile(filepath.Join(vol, "mark"), nil, 0o644))
	testkit.Check(t, os.Symlink("/proc/sys", trap))
	b.spec.Mounts = append(b.spec.Mounts, specs.Mount{Destination: "/vol", Type: "bind", Source: compile.RootSource +
		"/vol", Options: []string{"rbind"}})
	r := swapAt(t, b.command(t), "open_tree", unix.SYS_OPEN_TREE, 1, vol, trap)
	if !strings.HasPrefix(r.stdout, "/trap/:\nmark\n") {
		t.Errorf("want the directory that was looked at, and not /proc/sys, which is writable here: %+v", r)
	}
}

// TestMountUsesOpenedSource: the source of a read-only volume is exchanged after it was
// opened. The container has what was opened, and cannot write to it.
func TestMountUsesOpenedSource(t *testing.T) {
	guard(t)
	dir := t.TempDir()
	source, other := filepath.Join(dir, "source"), filepath.Join(dir, "other")
	for _, err := range []error{os.Mkdir(source, 0o755), os.WriteFile(filepath.Join(source, "file"), []byte("mine\n"),
		0o644), os.Symlink(canary, other)} {
		testkit.Check(t, err)
	}
	cmd := command("minictr", boxArgs("-v", source+":/vol:ro", "--", "sh", "-c",
		"cat /vol/file; echo lost > /vol/file")...)
	r := swapAt(t, cmd, "pivot_root", unix.SYS_PIVOT_ROOT, 1, source, other)
	r.want(t, 1)
	if r.stdout != "mine\n" || !strings.Contains(r.stderr, "Read-only file system") {
		t.Errorf("the volume reads %q; writing to it says %s", r.stdout, r.stderr)
	}
}

// TestReadOnlyVolumeIsRecursive: a read-only volume has a mount below it. Writes fail in
// both, for root in the container.
func TestReadOnlyVolumeIsRecursive(t *testing.T) {
	guard(t)
	source := t.TempDir()
	inner := filepath.Join(source, "inner")
	testkit.Check(t, os.Mkdir(inner, 0o755))
	testkit.Check(t, unix.Mount("inner", inner, "tmpfs", 0, ""))
	defer unix.Unmount(inner, 0)
	for _, file := range []string{filepath.Join(source, "file"), filepath.Join(inner, "file")} {
		testkit.Check(t, os.WriteFile(file, nil, 0o666))
	}
	words := []string{"--", "/probe", "write", "/vol/file", "/vol/inner/file"}
	for mode, want := range map[string]string{"ro": "EROFS", "rw": "ok"} {
		r := box(t, append([]string{"-v", source + ":/vol:" + mode}, words...)...)
		r.want(t, 0)
		if r.line("/vol/file") != want || r.line("/vol/inner/file") != want {
			t.Errorf("%s: want %s:\n%s", mode, want, r.stdout)
		}
	}
	r := box(t, "--mount", "type=bind,readonly,source="+source+",target=/vol", "--cap-add", "SYS_ADMIN", "--", "sh",
		"-c",
		"mount -o remount,bind,ro /vol && /probe write /vol/inner/file")
	if r.line("/vol/inner/file") != "EROFS" {
		t.Errorf("after a remount of the upper mount: %+v", r)
	}
}

// TestReadOnlyRoot: with --read-only writes to the root fail, while mounts in it keep
// their own flags.
func TestReadOnlyRoot(t *testing.T) {
	guard(t)
	r := box(t, "--read-only", "--tmpfs", "/tmp", "--", "/probe", "write", "/data/file", "/etc/passwd", "/etc/hosts",
		"/dev/null")
	r.want(t, 0)
	for file, want := range map[string]string{"/data/file": "EROFS", "/etc/passwd": "EROFS", "/etc/hosts": "EROFS",
		"/dev/null": "ok"} {
		testkit.Equal(t, "write to "+file, r.line(file), want)
	}
	r = box(t, "--read-only", "--tmpfs", "/tmp", "--", "sh", "-c", "echo 1 > /tmp/file && mkdir /new")
	r.want(t, 1)
}
