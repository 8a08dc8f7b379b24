package hardening

// Row 1: a process in a container cannot get the program file of minictr-oci, whatever
// is executed in it.

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// openers lists the processes that have opened a file, to read or execute it, by any
// name (fanotify(7)).
func openers(t *testing.T, file string) (pids func() []int) {
	t.Helper()
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_NONBLOCK|unix.FAN_CLOEXEC, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		t.Fatalf("fanotify_init: %v", err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN|unix.FAN_OPEN_EXEC, unix.AT_FDCWD,
		file); err != nil {
		t.Fatalf("fanotify_mark %s: %v", file, err)
	}
	return func() (pids []int) {
		buf := make([]byte, 64<<10)
		for {
			n, err := unix.Read(fd, buf)
			if err != nil {
				return slices.Compact(slices.Sorted(slices.Values(pids)))
			}
			for events := buf[:n]; len(events) > 0; {
				var e unix.FanotifyEventMetadata
				binary.Decode(events, binary.NativeEndian, &e)
				unix.Close(int(e.Fd))
				pids = append(pids, int(e.Pid))
				events = events[e.Event_len:]
			}
		}
	}
}

// selves are programs that are /proc/self/exe in one way or another: the file that the
// process executed last.
func selves(t *testing.T, b *bundle) map[string]string {
	t.Helper()
	testkit.Check(t, os.WriteFile(filepath.Join(b.root, "script"), []byte("#!/proc/self/exe\n"), 0o755))
	testkit.Check(t, os.WriteFile(filepath.Join(b.root, "interpreted"), interpreted(), 0o755))
	b.replace(t, "link", "/proc/self/exe")
	return map[string]string{"the file": "/proc/self/exe", "a link to it": "/link", "a script for it": "/script",
		"a program that it loads": "/interpreted"}
}

// interpreted is an ELF program whose only content is an interpreter: /proc/self/exe.
func interpreted() []byte {
	const headers = 64 + 56
	name := "/proc/self/exe\x00"
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]
	var b bytes.Buffer
	for _, part := range []any{
		elf.Header64{
			Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:  uint16(elf.ET_DYN), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT),
			Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
		},
		elf.Prog64{Type: uint32(elf.PT_INTERP), Flags: uint32(elf.PF_R), Off: headers, Filesz: uint64(len(name)),
			Memsz: uint64(len(name)), Align: 1},
		[]byte(name),
	} {
		binary.Write(&b, binary.LittleEndian, part)
	}
	return b.Bytes()
}

// TestProcSelfExeIsNoHostFile: a container that executes /proc/self/exe gets no file of
// the host, by run, by create and start, by exec, or by a hook.
func TestProcSelfExeIsNoHostFile(t *testing.T) {
	guard(t)
	opened := openers(t, filepath.Join(bin, "minictr-oci"))
	// only runs a command that must be the only one to open its program
	only := func(how string, cmd *exec.Cmd, run func(*exec.Cmd) result) result {
		t.Helper()
		opened()
		r := run(cmd)
		pids := opened()
		most := 1
		if strings.HasPrefix(how, "create ") {
			most = 2 // the container's process asks whether it could execute the file (AT_EXECVE_CHECK)
		}
		if len(pids) > most || !slices.Contains(pids, cmd.Process.Pid) {
			t.Errorf("%s: minictr-oci is %d, and was opened by %d", how, cmd.Process.Pid, pids)
		}
		return r
	}
	host := newBundle(t, "/probe", "sleep")
	host.live(t)
	for what, program := range selves(t, host) {
		fails := func(how string, cmd *exec.Cmd) {
			if r := only(how+" "+what, cmd, run); r.code == 0 || strings.Contains(r.stdout+r.stderr, "USAGE") {
				t.Errorf("%s %s: it was a program: %+v", how, what, r)
			}
		}
		fails("exec", host.oci("exec", "--", program))
		fails("exec --tty", host.oci("exec", "--tty", "--", program))
		b := newBundle(t, program)
		selves(t, b)
		fails("run", b.command(t))
		only("create "+what, b.creating(t), func(cmd *exec.Cmd) result { return b.begin(t, cmd) }).want(t, 0)
		only("start "+what, b.oci("start"), run)
		b.ended(t)
		if out := b.out(t); strings.Contains(out.stdout, "USAGE") {
			t.Errorf("create and start %s: it was a program: %s", what, out.stdout)
		}
		hooked := newBundle(t, "true")
		selves(t, hooked)
		hooked.spec.Hooks = &specs.Hooks{StartContainer: []specs.Hook{{Path: program}}}
		fails("startContainer hook", hooked.command(t))
	}
}

// delayedCalls delays the calls of a process that enters a container, so that others can
// look at it.
const delayedCalls = "setns,setsid,setresuid,capset,close_range,execveat,execve:delay_enter=150000"

// watched runs a command while the container of observer looks at new processes, and
// checks what it saw: no way out by one that is still minictr-oci.
func watched(t *testing.T, observer *bundle, cmd *exec.Cmd) result {
	t.Helper()
	began := time.Now()
	run(traced(t, cmd, delayedCalls)).want(t, 0)
	if time.Since(began) < time.Second {
		t.Errorf("nothing was held up: all took %v", time.Since(began))
	}
	r := observer.out(t)
	wantUnreachable(t, "minictr-oci", r)
	return r
}

// wantUnreachable checks what the probe saw of a process that still was this program: none of its
// links in /proc can be followed.
func wantUnreachable(t *testing.T, program string, r result) {
	t.Helper()
	if r.line(program+" exe") != "EACCES" {
		t.Errorf("want %s to be seen, and refused:\n%s", program, r.stdout)
	}
	for line := range strings.Lines(r.stdout) {
		who, answer, _ := strings.Cut(strings.TrimSpace(line), ": ")
		name, _, _ := strings.Cut(who, " ")
		closed := []string{"EACCES", "EPERM", "ENOENT", "ESRCH"}
		if name == program && !slices.Contains(closed, answer) || strings.Contains(answer, bin) {
			t.Errorf("an open door: %s", line)
		}
	}
}

// TestProgramUnreachableDuringExec: processes of the container look at one that enters
// it. It is a copy of minictr-oci until execve, and neither its program, nor its memory,
// nor its descriptors can be reached.
func TestProgramUnreachableDuringExec(t *testing.T) {
	guard(t)
	observer := newBundle(t, "/probe", "watch")
	observer.live(t)
	r := watched(t, observer, observer.oci("exec", "--", "/probe", "cwd"))
	if strings.Contains(r.stdout, "elsewhere") {
		t.Errorf("a process in the container, and its root is not the container's:\n%s", r.stdout)
	}
	joined := newBundle(t, "true") // a second container of a pod
	for i := range joined.spec.Linux.Namespaces {
		if n := &joined.spec.Linux.Namespaces[i]; n.Type == specs.PIDNamespace {
			n.Path = fmt.Sprintf("/proc/%d/ns/pid", observer.state(t).Pid)
		}
	}
	watched(t, observer, joined.command(t))
}
