package hardening

// Row 15 for detached containers: endless output, a pipe held open, a full disk. No
// command blocks, and no memory or file grows without bound.

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// memory is the peak resident set size of a process in kB (proc(5), VmHWM), 0 if it has
// exited.
func memory(pid int) int {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	kB, _ := strconv.Atoi(strings.TrimSuffix((result{stdout: string(data)}).line("VmHWM"), " kB"))
	return kB
}

// onDisk is the size of the log files in bytes.
func (d *detached) onDisk(t *testing.T) (size int64) {
	t.Helper()
	all, _ := filepath.Glob(filepath.Join(d.dir(t), "log*"))
	for _, file := range all {
		if info, err := os.Stat(file); err == nil {
			size += info.Size()
		}
	}
	return size
}

const (
	monitorMost = 2 << 10  // kB
	clientMost  = 64 << 10 // kB
)

// TestEndlessOutputIsBounded: a container writes endlessly to both streams. The log
// keeps its size limit, the monitor its memory, and logs and attach end.
func TestEndlessOutputIsBounded(t *testing.T) {
	guard(t)
	const maximum, frame = 100 << 10, 32<<10 + 32
	for _, kind := range []string{"-i", "-t"} {
		d := detach(t, kind, "--log-opt", "max-size=100k", "--", "sh", "-c",
			"while :; do echo "+strings.Repeat("x", 4000)+"; done & while :; do echo y >&2; done")
		monitor := d.monitor(t)
		follower := d.saying("logs", "-f")
		attached := d.saying("attach", "--no-stdin") // and their output is not read
		for _, c := range []*exec.Cmd{follower, attached} {
			r, w, err := os.Pipe()
			testkit.Check(t, err)
			defer r.Close()
			c.Stdout = w
			testkit.Check(t, c.Start())
			w.Close()
		}
		for range 20 {
			time.Sleep(50 * time.Millisecond)
			if size := d.onDisk(t); size > 2*(maximum+frame) {
				t.Errorf("%s: the log has %d bytes", kind, size)
			}
		}
		for who, pid := range map[string]int{"monitor": monitor, "logs -f": follower.Process.Pid,
			"attach": attached.Process.Pid} {
			most := map[bool]int{true: monitorMost, false: clientMost}[who == "monitor"]
			if kB := memory(pid); kB == 0 || kB > most {
				t.Errorf("%s: %s had %d kB of memory, want %d at most", kind, who, kB, most)
			}
		}
		for _, words := range [][]string{{"logs"}, {"logs", "--tail", "3"}, {"logs", "-t"}} {
			r := d.say(words...)
			said := len(r.stdout)
			if words[len(words)-1] == "-t" {
				said -= strings.Count(r.stdout, "\n") * len("2006-01-02T15:04:05.000000000Z ")
			}
			if r.code != 0 || said > 4*maximum {
				t.Errorf("%q: %d bytes, %.300s", words, said, r.stderr)
			}
		}
		leaver := d.saying("logs", "-f")
		out, err := leaver.StdoutPipe()
		testkit.Check(t, err)
		testkit.Check(t, leaver.Start())
		bufio.NewReader(out).ReadString('\n')
		out.Close()
		testkit.Eventually(t, "logs -f exits when its output is not read", func() bool {
			return zombie(leaver.Process.Pid)
		})
		leaver.Wait()
		d.say("stop", "-t", "0").want(t, 0)
		for _, c := range []*exec.Cmd{follower, attached} {
			c.Process.Kill()
			c.Wait()
		}
	}
}

// TestEndlessHealthCheckIsBounded: a health check writes endlessly. Little is kept, not
// in memory, and the next check follows its time-out.
func TestEndlessHealthCheckIsBounded(t *testing.T) {
	guard(t)
	flags := append(often("while :; do echo "+strings.Repeat("z", 4000)+"; done"), "--health-timeout", "1s",
		"--health-retries", "1")
	d := detach(t, append(flags, "--", "sleep", "1000")...)
	most := 0
	testkit.Eventually(t, "two checks", func() bool {
		for _, pid := range childrenOf(d.monitor(t)) {
			if name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(name) == "minictr\n" {
				most = max(most, memory(pid))
			}
		}
		checks, _ := strconv.Atoi(d.field(t, "{{len .State.Health.Log}}"))
		return checks >= 2 && most > 0
	})
	if most > clientMost {
		t.Errorf("the check had %d kB of memory, want %d at most", most, clientMost)
	}
	if kept := len(d.field(t, "{{with index .State.Health.Log 0}}{{.Output}}{{end}}")); kept < 4000 || kept > 4200 {
		t.Errorf("%d bytes of its output were kept", kept)
	}
	testkit.Equal(t, "its health", d.field(t, "{{.State.Health.Status}}"), "unhealthy")
}

func childrenOf(pid int) (pids []int) {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, word := range strings.Fields(string(data)) {
		child, _ := strconv.Atoi(word)
		pids = append(pids, child)
	}
	return pids
}

// TestHeldPipeDelaysNoExit: a process outside the container holds its pipes and writes
// endlessly. The exit status is recorded, and the monitor exits.
func TestHeldPipeDelaysNoExit(t *testing.T) {
	guard(t)
	for _, kind := range []string{"-i", "-t"} {
		d := detach(t, kind, "--", "sleep", "1000")
		pid, monitor := d.pid(t), d.monitor(t)
		for _, fd := range []int{1, 2} {
			pipe, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/%d", pid, fd), os.O_WRONLY|unix.O_NOCTTY, 0)
			testkit.Check(t, err)
			flood := exec.Command("/bin/busybox", "yes")
			flood.Stdout = pipe
			testkit.Check(t, flood.Start())
			pipe.Close()
			defer flood.Wait()
			defer flood.Process.Kill()
		}
		d.say("stop", "-t", "0").want(t, 0)
		testkit.Eventually(t, "the monitor's exit", func() bool {
			return !exists(fmt.Sprintf("/proc/%d", monitor)) || zombie(monitor)
		})
		testkit.Equal(t, kind+": exit code", d.field(t, "{{.State.ExitCode}}"), "137")
	}
}

// TestHeldPipeDelaysNoHealthCheck: a check leaves a process that holds its pipe. Neither
// the next check nor the container's exit waits for it.
func TestHeldPipeDelaysNoHealthCheck(t *testing.T) {
	guard(t)
	d := detach(t, append(often("echo well; busybox setsid sleep 4713 &"), "--", "sleep", "1000")...)
	testkit.Eventually(t, "three checks, each with a process left behind", func() bool {
		said := strings.Count(d.field(t, "{{range .State.Health.Log}}{{.Output}}{{end}}"), "well")
		return said >= 3 && len(running("4713")) >= 3
	})
	d.say("stop", "-t", "0").want(t, 0)
	testkit.Eventually(t, "the end of all", func() bool { return len(running("4713")) == 0 })
}

// TestFullDiskStopsNoContainer: the disk fills up while a container runs. It continues,
// its exit status is known, and it can be removed.
func TestFullDiskStopsNoContainer(t *testing.T) {
	guard(t)
	disk := t.TempDir()
	testkit.Check(t, unix.Mount("tmpfs", disk, "tmpfs", 0, "size=8m"))
	t.Cleanup(func() { // the monitor may still be exiting
		testkit.Eventually(t, "unmount the disk", func() bool { return unix.Unmount(disk, 0) == nil })
	})
	small := func(words ...string) result {
		return run(exec.Command(filepath.Join(bin, "minictr"), append([]string{"--root", filepath.Join(disk, "store")},
			words...)...))
	}
	saved := filepath.Join(t.TempDir(), "box.tar")
	run(command("minictr", "save", "-o", saved, "box")).want(t, 0)
	small("load", "-i", saved).want(t, 0)
	busy := "while [ -z $(cat /flag/end) ]; do echo " + strings.Repeat("x", 1000) + "; done; exit 3"
	flag := t.TempDir()
	end := filepath.Join(flag, "end")
	os.WriteFile(end, nil, 0o644)
	small("run", "-d", "--name", "full", "-v", flag+":/flag", "box", "sh", "-c", busy).want(t, 0)
	fill, err := os.Create(filepath.Join(disk, "fill"))
	testkit.Check(t, err)
	for err == nil {
		_, err = fill.Write(make([]byte, 4096))
	}
	fill.Close()
	time.Sleep(500 * time.Millisecond)
	r := small("ps", "--format", "{{.State}}")
	if r.want(t, 0); r.stdout != "running\n" {
		t.Errorf("on a full disk it is %q", r.stdout)
	}
	os.WriteFile(end, []byte("yes\n"), 0o644)
	if r := small("wait", "full"); r.stdout != "3\n" {
		t.Errorf("wait: %+v", r)
	}
	small("logs", "full").want(t, 0)
	small("rm", "full").want(t, 0)
	if left, _ := filepath.Glob(filepath.Join(disk, "store/containers/*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
