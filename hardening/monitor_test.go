package hardening

// Rows 1, 2, 12, 13 and 14 for the monitor of a detached container, the processes it
// starts, and its files.

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// detached is a detached container, which is removed with the test.
type detached struct{ name string }

// detach runs `minictr run -d FLAGS box WORDS`: "--" ends the flags.
func detach(t *testing.T, words ...string) *detached {
	t.Helper()
	d := &detached{fmt.Sprintf("background-%d", time.Now().UnixNano())}
	run(d.command(words...)).want(t, 0)
	t.Cleanup(func() { d.say("rm", "-f").want(t, 0) })
	return d
}

// command is the command that starts it.
func (d *detached) command(words ...string) *exec.Cmd {
	args := slices.DeleteFunc(boxArgs(words...), func(w string) bool { return w == "--rm" })
	return command("minictr", slices.Insert(args, 1, "-d", "--name", d.name)...)
}

// say runs a command on it: `minictr COMMAND [FLAGS] NAME [WORDS]`, where "--" stands
// for the name, which is last without it.
func (d *detached) say(words ...string) result { return run(d.saying(words...)) }

func (d *detached) saying(words ...string) *exec.Cmd {
	if i := slices.Index(words, "--"); i >= 0 {
		words = slices.Replace(slices.Clone(words), i, i+1, d.name)
	} else {
		words = append(slices.Clone(words), d.name)
	}
	return command("minictr", words...)
}

func (d *detached) field(t *testing.T, template string) string {
	t.Helper()
	r := d.say("inspect", "--type", "container", "--format", template)
	r.want(t, 0)
	return strings.TrimSuffix(r.stdout, "\n")
}

func (d *detached) pid(t *testing.T) int {
	t.Helper()
	pid, _ := strconv.Atoi(d.field(t, "{{.State.Pid}}"))
	return pid
}

// monitor is the PID of its monitor.
func (d *detached) monitor(t *testing.T) int {
	t.Helper()
	return parent(t, d.pid(t))
}

// said waits for words in its log.
func (d *detached) said(t *testing.T, words string) (log string) {
	t.Helper()
	testkit.Eventually(t, fmt.Sprintf("it says %q", words), func() bool {
		log = d.say("logs").stdout
		return strings.Contains(log, words)
	})
	return log
}

// checked waits for a health check, and returns its output.
func (d *detached) checked(t *testing.T) (output string) {
	t.Helper()
	testkit.Eventually(t, "a health check", func() bool {
		output = d.field(t, "{{range .State.Health.Log}}{{.Output}}{{end}}")
		return output != ""
	})
	return output
}

// often are the flags of a frequent health check.
func often(check string) []string {
	return []string{"--health-interval", "100ms", "--health-start-interval", "100ms", "--health-cmd", check}
}

// dir is its directory.
func (d *detached) dir(t *testing.T) string {
	t.Helper()
	return filepath.Join(store, "containers", d.field(t, "{{.Id}}"))
}

// descriptorsOf lists the targets of a process's descriptors.
func descriptorsOf(pid int) (links []string) {
	all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, link := range all {
		if to, err := os.Readlink(link); err == nil {
			links = append(links, to)
		}
	}
	return links
}

// TestProgramUnreachableDuringHealthCheck: the container looks at processes that enter
// it by exec and by health checks, with the file of minictr among their descriptors.
// None can be reached.
func TestProgramUnreachableDuringHealthCheck(t *testing.T) {
	guard(t)
	testkit.NeedTool(t, "strace")
	for _, flags := range [][]string{nil, {"--userns", "0:100000:65536", "--tmpfs", "/x"}} {
		flags = append(append(flags, often("true")...), "--health-timeout", "1m", "--health-start-interval", "1s")
		d := detach(t, append(flags, "--", "/probe", "watch")...)
		trace := exec.Command("strace", "-f", "-qq", "-o", os.DevNull, "-p", strconv.Itoa(d.monitor(t)), "-e",
			"inject="+delayedCalls)
		testkit.Check(t, trace.Start())
		d.said(t, "minictr exe: ")
		trace.Process.Signal(unix.SIGTERM)
		trace.Wait()
		run(traced(t, d.saying("exec", "--", "true"), delayedCalls)).want(t, 0)
		wantUnreachable(t, "minictr", d.say("logs"))
	}
}

// TestProgramUnreachableWithSysPtrace: a container that may trace all processes sees a
// new one only when nothing of the host is left in it.
func TestProgramUnreachableWithSysPtrace(t *testing.T) {
	guard(t)
	testkit.NeedTool(t, "strace")
	d := detach(t, append(append([]string{"--cap-add", "SYS_PTRACE"}, often("true")...), "--", "/probe",
		"watch")...)
	d.said(t, "watch: begins")
	run(traced(t, d.saying("exec", "--", "sleep", "0.5"), delayedCalls)).want(t, 0)
	log := d.said(t, "memfd:minictr exe: /memfd:minictr") // it does see other processes
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "minictr ") || strings.Contains(line, "elsewhere") || strings.Contains(line, bin) {
			t.Errorf("a door of the host's: %s", line)
		}
	}
}

// TestKilledExecThawsContainer: the container is frozen while a process enters it; if
// that is killed, the next command thaws it.
func TestKilledExecThawsContainer(t *testing.T) {
	guard(t)
	testkit.NeedTool(t, "strace")
	d := detach(t, "--cap-add", "SYS_PTRACE", "--", "sleep", "1000")
	for _, call := range []string{"clone3", "setns", "execveat", "pwrite64", "write", "ftruncate"} {
		for n := 1; n <= 3; n++ {
			run(traced(t, d.saying("exec", "--", "true"), fmt.Sprintf("%s:signal=SIGKILL:when=%d", call, n)))
			testkit.Equal(t, fmt.Sprintf("killed at %s %d", call, n), d.field(t, "{{.State.Status}}"), "running")
			if r := d.say("exec", "--", "echo", "inside"); r.stdout != "inside\n" {
				t.Errorf("killed at %s %d: %+v", call, n, r)
			}
		}
	}
	d.say("pause").want(t, 0)
	if r := d.say("exec", "--", "true"); r.code != exitFailure || !strings.Contains(r.stderr, "paused") {
		t.Errorf("exec in a paused container: %+v", r)
	}
	testkit.Equal(t, "status of the paused container", d.field(t, "{{.State.Status}}"), "paused")
}

// TestMonitorLeaksNoDescriptor: neither the caller's descriptors nor the monitor's get
// into the container: its first process, a restarted one, exec, or a health check.
func TestMonitorLeaksNoDescriptor(t *testing.T) {
	guard(t)
	fds := func(who, text string) {
		t.Helper()
		for line := range strings.Lines(text) {
			if n, to, _ := strings.Cut(line, ": "); n != "0" && n != "1" && n != "2" || strings.Contains(to, canary) {
				t.Errorf("%s has descriptor %s", who, line)
			}
		}
		if strings.Count(text, "\n")%3 != 0 || text == "" {
			t.Errorf("%s: want the three standard streams and nothing else:\n%s", who, text)
		}
	}
	for _, kind := range []string{"", "-i", "-t", "-it"} {
		d := &detached{"leaks" + kind}
		flags := append(append(strings.Fields(kind), often("/probe fds; sleep 0.01")...), "--restart", "on-failure:1")
		cmd := d.command(append(flags, "--", "sh", "-c",
			"/probe fds; [ -e /again ] && exec sleep 1000; touch /again; exit 1")...)
		cmd.ExtraFiles = leak(t)
		run(cmd).want(t, 0)
		testkit.Eventually(t, "two lives", func() bool { return strings.Count(d.say("logs").stdout, "2: ") == 2 })
		fds("the process of run -d "+kind, d.say("logs").stdout)
		fds("a check", d.checked(t))
		for _, to := range descriptorsOf(d.monitor(t)) {
			if strings.HasPrefix(to, canary) {
				t.Errorf("the monitor has %s of the caller's", to)
			}
		}
		for _, flags := range [][]string{{"exec", "--", "/probe", "fds"}, {"exec", "-i", "--", "/probe", "fds"},
			{"exec", "-t", "--", "/probe", "fds"}} {
			cmd := d.saying(flags...)
			cmd.ExtraFiles = leak(t)
			fds(strings.Join(flags[:2], " "), run(cmd).stdout)
		}
		cmd = d.saying("exec", "-d", "--", "sh", "-c", "/probe fds >/fds; touch /done")
		cmd.ExtraFiles = leak(t)
		run(cmd).want(t, 0)
		testkit.Eventually(t, "exec -d", func() bool { return d.say("exec", "--", "ls", "/done").code == 0 })
		fds("exec -d", d.say("exec", "--", "grep", "-v", "/fds$", "/fds").stdout+"1: /dev/null\n")
		d.say("rm", "-f").want(t, 0)
	}
}

// TestDetachReleasesCallersStreams: a caller that waits for the end of the output, as a
// shell does for $(minictr run -d …), does not wait for the container, which does not
// read the caller's input.
func TestDetachReleasesCallersStreams(t *testing.T) {
	guard(t)
	d := detach(t, "--", "sleep", "1000")
	for _, words := range [][]string{{"restart", "-t", "0"}, {"exec", "-d", "--", "sleep", "1000"}, {"stop", "-t", "0"},
		{"start"}} {
		d.say(words...).want(t, 0) // reads both streams to their ends
	}
	reader := detach(t, "-i", "--", "cat")
	reader.say("stop", "-t", "0").want(t, 0)
	theirs, ours, err := os.Pipe()
	testkit.Check(t, err)
	defer ours.Close()
	cmd := reader.saying("start", "-a", "-i")
	cmd.Stdin, cmd.Stderr = theirs, os.Stderr
	testkit.Check(t, cmd.Start())
	pipe, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", theirs.Fd()))
	theirs.Close()
	ours.WriteString("a word\n")
	reader.said(t, "a word")
	for _, to := range descriptorsOf(reader.monitor(t)) {
		if to == pipe {
			t.Error("the monitor keeps what the container reads")
		}
	}
	reader.say("stop", "-t", "0").want(t, 0)
	cmd.Wait()
	if _, err := ours.WriteString("x"); err == nil {
		t.Error("the standard input of a container that exited is still read")
	}
}

// TestDirectoryAsStreamRefused: a directory of the host as standard input, output or
// error would lead out of the container.
func TestDirectoryAsStreamRefused(t *testing.T) {
	guard(t)
	directory := leak(t)[0]
	d := detach(t, "-i", "--", "sleep", "1000")
	still := detach(t, "-i", "--", "sleep", "1000")
	still.say("stop", "-t", "0").want(t, 0)
	walk := []string{"sh", "-c", "cat /proc/self/fd/[012]/file"}
	b := newBundle(t, walk...)
	for what, cmd := range map[string]func() *exec.Cmd{
		"run": func() *exec.Cmd {
			return command("minictr", boxArgs(append([]string{"-i", "--"}, walk...)...)...)
		},
		"exec":            func() *exec.Cmd { return d.saying(append([]string{"exec", "-i", "--"}, walk...)...) },
		"start":           func() *exec.Cmd { return still.saying("start", "-a", "-i") },
		"minictr-oci run": func() *exec.Cmd { return b.command(t) },
	} {
		for fd := range 3 {
			c := cmd()
			switch fd {
			case 0:
				c.Stdin = directory
			case 1:
				c.Stdout = directory
			case 2:
				c.Stderr = directory
			}
			if what == "start" && fd > 0 {
				continue // start does not pass these on
			}
			r := run(c)
			r.untouched(t)
			if r.code == 0 || fd != 2 && !strings.Contains(r.stderr, "is a directory") {
				t.Errorf("%s, stream %d: want a refusal: %+v", what, fd, r)
			}
		}
	}
}

// TestMonitorEnvironmentIsClean: variables that steer programs, from the caller or the
// image, reach neither the monitor nor what it starts on the host.
func TestMonitorEnvironmentIsClean(t *testing.T) {
	guard(t)
	testkit.NeedTool(t, "strace")
	image := hostile(t, ocispec.ImageConfig{
		Env: []string{"LD_PRELOAD=/EVIL.so", "MINICTR_ROOT=/EVIL", "GODEBUG=EVIL=1"},
		Labels: map[string]string{"minictr.watch": "EVIL", "io.podman.healthcheck": "EVIL",
			"com.docker.health-cmd": "EVIL"},
	})
	trace := filepath.Join(t.TempDir(), "trace")
	args := []string{"-f", "-qq", "-v", "-s", "4096", "-o", trace, "-e", "trace=execve,execveat"}
	for _, v := range []string{"LD_PRELOAD=/EVIL.so", "LD_AUDIT=/EVIL.so", "GODEBUG=EVIL=1", "GOTRACEBACK=EVIL",
		"PATH=/EVIL", "TMPDIR=/EVIL", "HOME=/EVIL", "MINICTR_ROOT=/EVIL"} {
		args = append(args, "-E", v)
	}
	planted := command("minictr", append(append([]string{"run", "-d", "--name", "planted", "--restart", "on-failure:1"},
		often("touch /checked")...), image, "sh", "-c", "until [ -e /checked ]; do sleep 0.1; done; exit 1")...)
	cmd := exec.Command("strace", append(args, planted.Args...)...)
	run(cmd).want(t, 0) // strace exits with its last tracee
	defer func() { run(command("minictr", "rm", "-f", "planted")).want(t, 0) }()
	data := testkit.ReadFile(t, trace)
	seen := map[string]int{}
	for line := range strings.Lines(data) {
		for kind, words := range map[string]string{"monitor": `["minictr", "monitor"`,
			"ended": `["minictr", "monitor", "--ended"`, "restart": `["minictr", "monitor", "--restart"`,
			"health": `["minictr", "health"`, "tiny": `["minictr-monitor"`} {
			if !strings.Contains(line, words) {
				continue
			}
			seen[kind]++
			if strings.Contains(line, "EVIL") {
				t.Errorf("%s is steered: %s", kind, line)
			}
		}
	}
	for _, kind := range []string{"monitor", "ended", "restart", "health", "tiny"} {
		if seen[kind] == 0 {
			t.Errorf("%s was not executed: the test proves nothing: %v", kind, seen)
		}
	}
}

// TestMonitorNeedsNoSocket: neither the monitor nor its clients use a socket.
func TestMonitorNeedsNoSocket(t *testing.T) {
	guard(t)
	before := picture{}
	testkit.Check(t, sockets(before))
	for _, kind := range []string{"", "-i", "-t"} {
		d := detach(t, append(append(strings.Fields(kind), often("true")...), "--", "sh", "-c",
			"echo begun; sleep 1000")...)
		d.said(t, "begun")
		clients := []*exec.Cmd{d.saying("logs", "-f"), d.saying("attach", "--no-stdin"),
			d.saying("exec", "--", "sleep", "1000"), d.saying("wait"), d.saying("stats")}
		pids := []int{d.monitor(t)}
		for _, c := range clients {
			c.Stderr = os.Stderr // its last output, if there is any
			testkit.Check(t, c.Start())
			pids = append(pids, c.Process.Pid)
		}
		time.Sleep(200 * time.Millisecond)
		for i, pid := range pids {
			links := descriptorsOf(pid)
			if len(links) < 3 || slices.ContainsFunc(links, func(to string) bool {
				return strings.HasPrefix(to, "socket:")
			}) {
				t.Errorf("%s, process %d: %v", kind, i, links)
			}
		}
		after := picture{}
		testkit.Check(t, sockets(after))
		if changes := before.Changes(after); len(changes) > 0 {
			t.Errorf("while it lives: %s", changes)
		}
		for _, c := range clients {
			c.Process.Kill()
			c.Wait()
		}
	}
}

const nobody = 65534

// TestContainerFilesArePrivate: other users read no file of a container, and execute no
// program that it has made, whatever the umask was.
func TestContainerFilesArePrivate(t *testing.T) {
	guard(t)
	defer unix.Umask(unix.Umask(0))
	leaves := "echo SECRET; /bin/busybox cp /bin/busybox /sh; /bin/busybox chmod 4777 /sh; /bin/busybox chmod 777 / " +
		"/etc; echo SECRET >/file; touch /ready; "
	for mask, flags := range map[int][]string{0: nil, 0o777: {"-u", "0:0"}, 0o022: {"--userns", "0:100000:65536"}} {
		unix.Umask(mask)
		var all []*detached
		for _, then := range []string{"exec sleep 1000", "exit 3"} {
			words := append(append(slices.Clone(flags), often("echo SECRET")...), "-e", "PASSWORD=SECRET", "-l",
				"password=SECRET", "--", "sh", "-c", leaves+then)
			d := detach(t, slices.DeleteFunc(words, func(w string) bool { return w == "-v" })...)
			d.said(t, "SECRET")
			all = append(all, d)
		}
		if !strings.Contains(all[0].checked(t), "SECRET") {
			t.Error("the check says no secret: the test proves nothing")
		}
		all[1].say("wait").want(t, 0)
		unix.Umask(0o022)
		unreachable(t, fmt.Sprintf("umask %#o, %v", mask, flags))
		monitor := all[0].monitor(t)
		for _, file := range []string{"environ", "maps", "fd", "mem"} {
			if r := asNobody(t, "cat", fmt.Sprintf("/proc/%d/%s", monitor, file)); r.code == 0 {
				t.Errorf("the monitor's %s is for all to read", file)
			}
		}
	}
}

// unreachable tries each path below the directories of containers and names.
func unreachable(t *testing.T, how string) {
	t.Helper()
	directory, err := os.Open(store)
	testkit.Check(t, err)
	defer directory.Close()
	tried := 0
	for _, part := range []string{"containers", "names"} {
		err := testkit.WalkDir(filepath.Join(store, part), func(path string, d fs.DirEntry) error {
			if d.Name() == "proc" {
				return nil
			}
			tried++
			rel, _ := filepath.Rel(store, path)
			if tried < 100 || !strings.Contains(rel, "/upper/") {
				if r := asNobody(t, "stat", "/proc/self/fd/3/"+rel, directory); r.code == 0 && rel != part {
					t.Errorf("%s: nobody reaches %s", how, rel)
				}
			}
			return nil
		})
		testkit.Check(t, err)
		if r := asNobody(t, "ls", "/proc/self/fd/3/"+part, directory); r.code == 0 {
			t.Errorf("%s: nobody lists %s", how, part)
		}
	}
	if tried < 20 {
		t.Errorf("%s: only %d files: the test proves nothing", how, tried)
	}
}

// asNobody runs a program of busybox as an unprivileged user.
func asNobody(t *testing.T, applet, path string, files ...*os.File) result {
	t.Helper()
	cmd := exec.Command("/bin/busybox", applet, path)
	cmd.Dir, cmd.ExtraFiles = "/", files
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return run(cmd)
}
