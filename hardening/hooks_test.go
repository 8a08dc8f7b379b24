package hardening

// Rows 12 and 15: hooks are programs of the host, or of the container, that the engine
// names. They get what their entry says and nothing else, and may misbehave.

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// kinds are the lists of hooks, in their order.
func kinds(h *specs.Hooks) map[string]*[]specs.Hook {
	return map[string]*[]specs.Hook{
		//lint:ignore SA1019 the specification still wants it
		"prestart":      &h.Prestart,
		"createRuntime": &h.CreateRuntime, "createContainer": &h.CreateContainer, "startContainer": &h.StartContainer,
		"poststart": &h.Poststart, "poststop": &h.Poststop,
	}
}

// shell is a hook that runs a script with busybox, which the host and the container
// have.
func shell(script string) specs.Hook {
	return specs.Hook{Path: "/bin/busybox", Args: []string{"sh", "-c", script}}
}

// TestHookEnvironmentIsItsEntrys: a hook of the host has the environment of its entry, or else
// that of minictr-oci, and no variable of the container: those are the image's. startContainer
// is a program of the image.
func TestHookEnvironmentIsItsEntrys(t *testing.T) {
	guard(t)
	const evil = "LD_PRELOAD=/evil.so"
	b := newBundle(t, "true")
	b.spec.Process.Env = append(b.spec.Process.Env, evil, "OF=process")
	b.spec.Annotations = map[string]string{evil: evil, "LD_PRELOAD": "/evil.so"}
	b.spec.Hooks = &specs.Hooks{}
	testkit.Check(t, os.Chmod(filepath.Join(b.root, "tmp"), 0o777))
	seen := func(kind, directory string) string { return filepath.Join(directory, kind) }
	for kind, list := range kinds(b.spec.Hooks) {
		directory := filepath.Join(b.root, "tmp")
		if kind == "startContainer" {
			directory = "/tmp"
		}
		for i, env := range [][]string{nil, {"A=of the entry", "PATH=/bin"}} {
			args := []string{"dd", "if=/proc/self/environ", "of=" + seen(kind+strconv.Itoa(i), directory)}
			*list = append(*list, specs.Hook{Path: "/bin/busybox", Args: args, Env: env})
		}
	}
	cmd := b.command(t)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "OF=minictr-oci"}
	run(cmd).want(t, 0)
	for kind := range kinds(b.spec.Hooks) {
		inherited := strings.Join(cmd.Env, "\x00") + "\x00"
		if kind == "startContainer" {
			inherited = strings.Join(b.spec.Process.Env, "\x00") + "\x00"
		}
		for i, want := range []string{inherited, "A=of the entry\x00PATH=/bin\x00"} {
			got, err := os.ReadFile(seen(kind+strconv.Itoa(i), filepath.Join(b.root, "tmp")))
			if err != nil || string(got) != want {
				t.Errorf("the environment of %s[%d] is %q, want %q: %v", kind, i, got, want, err)
			}
		}
	}
}

// TestStartHookIsConfined: a startContainer hook is a program of the image, and has no more
// privileges than the container's program: user, capabilities, no_new_privs, filter.
func TestStartHookIsConfined(t *testing.T) {
	guard(t)
	const report = "/probe calls keyctl bpf unknown getpid; pwd; " +
		"grep -e ^Cap -e ^Uid -e ^Gid -e ^Groups -e ^NoNewPrivs -e ^Seccomp: /proc/self/status"
	for _, user := range []uint32{0, 1000} {
		b := newBundle(t, "sh", "-c", report+"; cat /tmp/hook")
		testkit.Check(t, os.Chmod(filepath.Join(b.root, "tmp"), 0o777))
		b.spec.Process.User.UID, b.spec.Process.Cwd, b.spec.Process.NoNewPrivileges = user, "/etc", user != 0
		b.spec.Hooks = &specs.Hooks{StartContainer: []specs.Hook{shell("(" + report + ") > /tmp/hook")}}
		r := b.run(t)
		r.want(t, 0)
		half := len(r.stdout) / 2
		testkit.Equal(t, "the hook's privileges", r.stdout[half:], r.stdout[:half])
		testkit.Equal(t, "keyctl in the hook", r.line("keyctl"), "EPERM")
	}
}

// TestAnnotationsAreInert: labels of the image, and annotations that other runtimes
// obey, change nothing unless they refuse it: the container has its own cgroup, root and capabilities.
func TestAnnotationsAreInert(t *testing.T) {
	guard(t)
	script := "cat /proc/self/status /proc/self/cgroup /proc/self/mountinfo | grep -v -e Pid: -e ctxt -e Threads -e " +
		"Vm -e Rss -e '^NS' -e Sig -e hardening"
	shows := func(annotations map[string]string) string {
		b := newBundle(t, "sh", "-c", script)
		b.spec.Annotations = annotations
		r := b.run(t)
		r.want(t, 0)
		lines := strings.Split(r.stdout, "\n") // mount IDs differ each time
		for i, l := range lines {
			if f := strings.Fields(l); len(f) > 6 && strings.Contains(l, " - ") {
				lines[i] = strings.Join(f[4:], " ")
			}
		}
		return strings.Join(lines, "\n")
	}
	plain := shows(nil)
	evil := shows(map[string]string{
		"run.oci.handler": "", "run.oci.systemd.subgroup": "../../..", "run.oci.delegate-cgroup": "/",
		"run.oci.mount_context_type":   "evil",
		"run.oci.keep_original_groups": "1", "run.oci.hooks.stdout": filepath.Join(canary,
			"file"), "run.oci.seccomp_fail_unknown_syscall": "0",
		"org.systemd.property.ExecStop": "'/bin/evil'", "org.criu.config": filepath.Join(canary,
			"file"), "module.wasm.image/variant": "compat",
		"io.kubernetes.cri.container-type": "sandbox", "org.opencontainers.image.stopSignal": "9",
		"org.opencontainers.runc.exec.isolation": "false",
		"process.user.uid":                       "0", "linux.seccomp": "unconfined",
	})
	if plain != evil {
		t.Errorf("with annotations it is\n%s\nwithout\n%s", evil, plain)
	}
}

// running lists the processes whose last argument is this word.
func running(word string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range all {
		if words, _ := os.ReadFile(file); strings.HasSuffix(string(words), "\x00"+word+"\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// TestHeldPipeDelaysNoHook: a hook has exited, and a child of it holds its output. No
// command waits for it.
func TestHeldPipeDelaysNoHook(t *testing.T) {
	guard(t)
	b := newBundle(t, "true")
	b.spec.Hooks = &specs.Hooks{}
	for _, list := range kinds(b.spec.Hooks) {
		*list = []specs.Hook{shell("/bin/busybox sleep 4711 &")}
	}
	b.run(t).want(t, 0)
	var held []int // except those of the two hooks in the container
	testkit.Eventually(t, "the children of hooks", func() bool { held = running("4711"); return len(held) == 4 })
	for _, pid := range held {
		unix.Kill(pid, unix.SIGKILL)
	}
}

// TestEndlessHookIsKilled: a hook is killed at its time-out with all its children,
// little of its output is shown, and none fills memory.
func TestEndlessHookIsKilled(t *testing.T) {
	guard(t)
	second := 1
	var all sync.WaitGroup
	for kind := range kinds(&specs.Hooks{}) {
		b := newBundle(t, "true")
		b.spec.Hooks = &specs.Hooks{}
		endless := shell("/bin/busybox sleep 4712 & while :; do echo " + controls + strings.Repeat("x", 5000) +
			"; done")
		endless.Timeout = &second
		*kinds(b.spec.Hooks)[kind] = []specs.Hook{endless}
		cmd := b.command(t)
		all.Go(func() {
			r := run(cmd)
			if r.code != 1 && kind != "poststop" || !strings.Contains(r.stderr, "timeout of 1 s") ||
				len(r.stderr) > 2000 || steers(r.stderr) {
				t.Errorf("%s: want an error about the timeout: code %d, %d bytes: %.500q", kind, r.code, len(r.stderr),
					r.stderr)
			}
		})
	}
	all.Wait()
	testkit.Eventually(t, "the end of what the hooks have started", func() bool { return len(running("4712")) == 0 })
	const written = 300 << 20
	b := newBundle(t, "true")
	seen := filepath.Join(t.TempDir(), "seen")
	b.spec.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{shell(fmt.Sprintf(
		"/bin/busybox head -c %d /dev/zero; (/bin/busybox stat -L -c 'file: %%s kB' /proc/$$/fd/1; /bin/busybox grep "+
			"VmHWM: /proc/$PPID/status) > %s; echo last words; exit 1", written, seen))}}
	b.run(t).refused(t, "exit status 1", "last words")
	data := testkit.ReadFile(t, seen)
	for _, place := range []string{"file", "VmHWM"} { // its output, and the memory of its reader
		kB, err := strconv.Atoi(strings.TrimSuffix((result{stdout: data}).line(place), " kB"))
		if err != nil || kB > written/2>>10 {
			t.Errorf("a hook has written %d kB: %s", written>>10, data)
		}
	}
}
