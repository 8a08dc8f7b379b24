package hardening

// Crashes: kill -9 at every step. Afterwards the same command works again, and
// after it nothing is left of the one that died.
//
// strace is the failpoint: it kills a process at the N-th call of a kind. The
// calls are those that leave something behind, or wait for somebody.

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

// again is the command that is killed, and then must work.
func again() *exec.Cmd {
	return command("minictr", "run", "--rm", "--name", "phoenix", "--cap-add", "MKNOD", "box", "echo", "alive")
}

// killEach kills a command at the first, second, … call of a kind, until it
// makes no more of them and comes to its end; alive then sees to it that all
// is well. It returns how often it killed.
func killEach(t *testing.T, call string, cmd func() *exec.Cmd, alive func(t *testing.T, when string)) (kills int) {
	t.Helper()
	const most = 400
	for n := 1; n < most; n++ {
		when := call + " " + strconv.Itoa(n)
		r := run(traced(t, cmd(), call+":signal=SIGKILL:when="+strconv.Itoa(n)))
		alive(t, when)
		if t.Failed() {
			t.Fatalf("after a kill at %s: %+v", when, r)
		}
		if r.code == 0 {
			return n - 1
		}
	}
	t.Fatalf("%s: more than %d calls", call, most)
	return 0
}

// TestKillAtEveryStep kills minictr run at every call that changes something:
// the host's side at its N-th, or the container's where that makes more.
func TestKillAtEveryStep(t *testing.T) {
	guard(t)
	testkit.NeedTool(t, "strace")
	if testing.Short() {
		t.Skip("kills some three hundred times")
	}
	before := takePicture(t)
	for _, call := range []string{
		"mkdirat", "symlinkat", "write", "flock", "unlinkat", "fchmodat", "unshare", "chdir",
		"fsopen", "fsconfig", "fsmount", "open_tree", "move_mount", "mount_setattr", "bpf",
		"clone3", "pidfd_open", "setsid", "pivot_root", "umount2", "mknodat", "prctl", "capset",
		"close_range", "seccomp", "execve", "wait4",
	} {
		kills := killEach(t, call, again, func(t *testing.T, when string) {
			r := run(again())
			if r.code != 0 || r.stdout != "alive\n" {
				t.Errorf("after a kill at %s the command does not work: %+v", when, r)
			}
			compare(t, before)
		})
		t.Logf("%-14s killed %d times", call, kills)
	}
}

// TestKillWhileTheContainerIsMade kills the command while its child is between
// clone3 and execve: the child dies with it, wherever it is.
func TestKillWhileTheContainerIsMade(t *testing.T) {
	guard(t)
	testkit.NeedTool(t, "strace")
	before := takePicture(t)
	for call, waits := range map[string]struct {
		number int
		flag   string
	}{
		"setsid": {unix.SYS_SETSID, "-i"}, "pivot_root": {unix.SYS_PIVOT_ROOT, "-i"}, "umount2": {unix.SYS_UMOUNT2, "-i"},
		"capset": {unix.SYS_CAPSET, "-i"}, "close_range": {unix.SYS_CLOSE_RANGE, "-i"}, "seccomp": {unix.SYS_SECCOMP, "-i"},
		// the host is held up, and the child waits for its ids
		"pidfd_open": {unix.SYS_READ, "--userns=0:100000:65536"},
	} {
		cmd := command("minictr", "run", "--rm", "--name", "phoenix", waits.flag, "box", "sleep", "1000")
		outer := traced(t, cmd, call+":delay_enter=500000:when=1")
		if err := outer.Start(); err != nil {
			t.Fatal(err)
		}
		awaitStop(waits.number, nil)
		killHost()
		ended := make(chan error)
		go func() { ended <- outer.Wait() }()
		select {
		case <-ended: // strace ends with the last of its processes
		case <-time.After(testkit.Timeout):
			t.Errorf("after a kill at %s the container lives on", call)
			for _, pid := range contained() {
				unix.Kill(pid, unix.SIGKILL)
			}
			<-ended
		}
		if r := run(again()); r.code != 0 || r.stdout != "alive\n" {
			t.Errorf("after a kill at %s the command does not work: %+v", call, r)
		}
		compare(t, before)
	}
}

// killHost kills minictr itself: what runs its program, and is in no container.
func killHost() {
	all, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, exe := range all {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(exe)))
		if to, _ := os.Readlink(exe); to == filepath.Join(bin, "minictr") && !slices.Contains(contained(), pid) {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// TestKillWhileItRuns: the command is killed when its container has long
// started. The container ends with it, and the next command clears away.
func TestKillWhileItRuns(t *testing.T) {
	guard(t)
	before := takePicture(t)
	for _, flags := range [][]string{nil, {"-u", "1000"}, {"-i"}, {"--pid", "host"}} {
		cmd := command("minictr", append(append([]string{"run", "--rm", "--name", "phoenix"}, flags...), "box", "sh", "-c", "sleep 1000 & sleep 1001 & echo started; wait")...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		io.ReadFull(out, make([]byte, len("started\n")))
		cmd.Process.Kill()
		cmd.Wait()
		testkit.Eventually(t, "the container's processes end", func() bool { return len(contained()) == 0 })
		if r := run(again()); r.code != 0 || r.stdout != "alive\n" {
			t.Errorf("%v: after the kill the command does not work: %+v", flags, r)
		}
		compare(t, before)
	}
}

// TestKillLoadAtEveryStep and its like for rmi: half an image is never seen.
func TestKillLoadAtEveryStep(t *testing.T) {
	guard(t)
	testkit.NeedTool(t, "strace")
	if testing.Short() {
		t.Skip("kills a hundred times")
	}
	data, err := archive("phoenix:latest", ocispec.ImageConfig{}, []entry{file("data/phoenix", 0o644, "alive\n"), link("x", "y"), dir("z", 0o700)})
	if err != nil {
		t.Fatal(err)
	}
	loading := func() *exec.Cmd {
		cmd := command("minictr", "load")
		cmd.Stdin = bytes.NewReader(data)
		return cmd
	}
	remove := func() *exec.Cmd { return command("minictr", "rmi", "phoenix") }
	before := takePicture(t)
	whole := func(t *testing.T, when string) {
		if r := run(command("minictr", "run", "--rm", "phoenix", "cat", "/data/phoenix")); r.code == 0 && r.stdout != "alive\n" || r.code != 0 && r.code != exitFailure {
			t.Errorf("after a kill at %s half an image is there: %+v", when, r)
		}
		run(loading()).want(t, 0)
		if r := run(command("minictr", "run", "--rm", "phoenix", "cat", "/data/phoenix")); r.stdout != "alive\n" {
			t.Errorf("after a kill at %s the image does not load: %+v", when, r)
		}
		run(remove()).want(t, 0)
		compare(t, before)
	}
	for _, call := range []string{"mkdirat", "renameat", "symlinkat", "unlinkat", "fsync", "syncfs", "flock"} {
		t.Logf("load: %-10s killed %d times", call, killEach(t, call, loading, whole))
	}
	for _, call := range []string{"renameat", "unlinkat", "fsync", "flock"} {
		t.Logf("rmi: %-10s killed %d times", call, killEach(t, call, func() *exec.Cmd {
			run(loading()).want(t, 0)
			return remove()
		}, whole))
	}
}
