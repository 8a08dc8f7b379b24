package hardening

// Crashes: kill -9 at each step. Afterwards the same command works again, and
// nothing is left of the one that was killed.

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// again is the command that is killed, and must then work.
func again() *exec.Cmd {
	return command("minictr", "run", "--rm", "--name", "phoenix", "--cap-add", "MKNOD", "box", "echo", "alive")
}

// works fails the test unless the command works, and the host is as it was.
func works(t *testing.T, before picture, when any) {
	t.Helper()
	if r := run(again()); r.code != 0 || r.stdout != "alive\n" {
		t.Errorf("after a kill at %v the command does not work: %+v", when, r)
	}
	compare(t, before)
}

// TestKillAtEveryStep kills minictr run at each call that changes something: the
// host's side, or the container's.
func TestKillAtEveryStep(t *testing.T) {
	guard(t)
	if testing.Short() {
		t.Skip("kills some three hundred times")
	}
	before := takePicture(t)
	testkit.KillAt(t, testkit.Kill{
		Command: func(*testing.T) *exec.Cmd { return again() },
		Calls: `
			mkdirat symlinkat write flock unlinkat fchmodat unshare chdir fsopen fsconfig fsmount open_tree move_mount
			mount_setattr bpf clone3 pidfd_open setsid pivot_root umount2 mknodat prctl capset close_range seccomp
			execve wait4`,
		Clean: func(t *testing.T, k testkit.Killed) { works(t, before, k.At) },
	})
}

// TestKillBetweenCloneAndExecve kills the command while its child is being set up: the
// child dies with it.
func TestKillBetweenCloneAndExecve(t *testing.T) {
	guard(t)
	testkit.NeedTool(t, "strace")
	before := takePicture(t)
	for call, waits := range map[string]struct {
		number int
		flag   string
	}{
		"setsid": {unix.SYS_SETSID, "-i"}, "pivot_root": {unix.SYS_PIVOT_ROOT, "-i"}, "umount2": {unix.SYS_UMOUNT2,
			"-i"},
		"capset": {unix.SYS_CAPSET, "-i"}, "close_range": {unix.SYS_CLOSE_RANGE, "-i"}, "seccomp": {unix.SYS_SECCOMP,
			"-i"},
		// the host is delayed, and the child waits for its ID mappings
		"pidfd_open": {unix.SYS_READ, "--userns=0:100000:65536"},
	} {
		cmd := command("minictr", "run", "--rm", "--name", "phoenix", waits.flag, "box", "sleep", "1000")
		outer := traced(t, cmd, call+":delay_enter=500000:when=1")
		testkit.Check(t, outer.Start())
		awaitStop(waits.number, nil)
		killHost()
		ended := make(chan error)
		go func() { ended <- outer.Wait() }()
		select {
		case <-ended: // strace exits with its last tracee
		case <-time.After(testkit.Timeout):
			t.Errorf("after a kill at %s the container survives", call)
			for _, pid := range contained() {
				unix.Kill(pid, unix.SIGKILL)
			}
			<-ended
		}
		works(t, before, call)
	}
}

// killHost kills minictr itself: processes that execute it outside a container.
func killHost() {
	all, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, exe := range all {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(exe)))
		if to, _ := os.Readlink(exe); to == filepath.Join(bin, "minictr") && !slices.Contains(contained(), pid) {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// TestKillWhileItRuns kills the command of a running container, which ends with it. The
// next command removes what is left.
func TestKillWhileItRuns(t *testing.T) {
	guard(t)
	before := takePicture(t)
	for _, flags := range [][]string{nil, {"-u", "1000"}, {"-i"}, {"--pid", "host"}} {
		cmd := command("minictr", append(append([]string{"run", "--rm", "--name", "phoenix"}, flags...), "box", "sh",
			"-c", "sleep 1000 & sleep 1001 & echo started; wait")...)
		out, err := cmd.StdoutPipe()
		testkit.Check(t, err)
		testkit.Check(t, cmd.Start())
		io.ReadFull(out, make([]byte, len("started\n")))
		cmd.Process.Kill()
		cmd.Wait()
		testkit.Eventually(t, "the container's processes end", func() bool { return len(contained()) == 0 })
		works(t, before, flags)
	}
}

// TestKillLoadAtEveryStep kills load and rmi: an incomplete image is never shown.
func TestKillLoadAtEveryStep(t *testing.T) {
	guard(t)
	if testing.Short() {
		t.Skip("kills a hundred times")
	}
	layer := []entry{file("data/phoenix", 0o644, "alive\n"), link("x", "y"), dir("z", 0o700)}
	data, err := archive("phoenix:latest", ocispec.ImageConfig{}, layer)
	testkit.Check(t, err)
	loading := func(*testing.T) *exec.Cmd {
		cmd := command("minictr", "load")
		cmd.Stdin = bytes.NewReader(data)
		return cmd
	}
	removing := func(*testing.T) *exec.Cmd { return command("minictr", "rmi", "phoenix") }
	before := takePicture(t)
	read := func() result { return run(command("minictr", "run", "--rm", "phoenix", "cat", "/data/phoenix")) }
	truth := func(t *testing.T, k testkit.Killed) {
		if r := read(); r.code == 0 && r.stdout != "alive\n" || r.code != 0 && r.code != exitFailure {
			t.Errorf("an incomplete image is shown: %+v", r)
		}
	}
	clean := func(t *testing.T, k testkit.Killed) {
		run(loading(t)).want(t, 0)
		if r := read(); r.stdout != "alive\n" {
			t.Errorf("the image does not load: %+v", r)
		}
		run(removing(t)).want(t, 0)
		compare(t, before)
	}
	testkit.KillAt(t, testkit.Kill{
		Command: loading, Calls: "mkdirat renameat symlinkat unlinkat fsync syncfs flock", Truth: truth, Clean: clean,
	})
	testkit.KillAt(t, testkit.Kill{
		Command: func(t *testing.T) *exec.Cmd {
			run(loading(t)).want(t, 0)
			return removing(t)
		},
		Calls: "renameat unlinkat fsync flock", Truth: truth, Clean: clean,
	})
}
