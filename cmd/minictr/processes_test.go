package main

// A killed minictr leaves nothing: the kernel ends the container's process with it, and
// the next command removes its files and its cgroup.

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

func TestKilledClientLeavesNothing(t *testing.T) {
	testkit.NeedRoot(t)
	loadDemo(t)
	mark := fmt.Sprint("minictr-test-", os.Getpid())
	for _, flags := range []string{"--rm", "--rm --network host --pid host", "--rm --init", "--rm --name killed",
		"--rm --without pid,mount"} {
		t.Run(flags, func(t *testing.T) {
			before := traces(t, mark)
			id := kill(t, flags, mark)
			if !testkit.Within(func() bool { return len(processes(mark)) == 0 }) {
				t.Errorf("the container's processes survive: %q", processes(mark))
			}
			said(t, "run", "--rm", "demo", "true")
			testkit.Equal(t, "what is left", traces(t, mark), before)
			if strings.Contains(traces(t, mark), id) {
				t.Errorf("something is called %s", id)
			}
		})
	}
}

// TestKilledWhileInitLayerIsMade: an init layer that is being made when minictr is
// killed is removed, too.
func TestKilledWhileInitLayerIsMade(t *testing.T) {
	testkit.NeedRoot(t)
	loadDemo(t)
	said(t, "run", "--rm", "demo", "true")
	half := filepath.Join(os.Getenv("MINICTR_ROOT"), "layers", ".init-123")
	testkit.Check(t, os.MkdirAll(filepath.Join(half, "etc"), 0o755))
	said(t, "run", "--rm", "demo", "true")
	if _, err := os.Stat(half); err == nil {
		t.Error("it is still there")
	}
}

// TestExitCodeSurvivesFailedCleanup: a container keeps its exit code even if its cgroup cannot be
// removed: here something
// is mounted on it.
func TestExitCodeSurvivesFailedCleanup(t *testing.T) {
	testkit.NeedRoot(t)
	loadDemo(t)
	idFile := filepath.Join(t.TempDir(), "id")
	run := exec.Command("minictr", "run", "-i", "--cidfile", idFile, "demo", "sh", "-c",
		"echo kept >/note; echo ready; read x; exit 7")
	in, err := run.StdinPipe()
	testkit.Check(t, err)
	out, err := run.StdoutPipe()
	testkit.Check(t, err)
	var stderr bytes.Buffer
	run.Stderr = &stderr
	testkit.Check(t, run.Start())
	out.Read(make([]byte, 8))
	id := testkit.ReadFile(t, idFile)
	testkit.Eventually(t, "the process and its cgroup are recorded", func() bool {
		return strings.TrimSpace(said(t, "inspect", "-f", "{{.State.Pid}}", id)) != "0"
	})
	root, err := cgroup.Mount()
	testkit.Check(t, err)
	group := filepath.Join(root, "minictr", id)
	testkit.Check(t, unix.Mount("tmpfs", group, "tmpfs", 0, ""))
	in.Close()
	run.Wait()
	testkit.Check(t, unix.Unmount(group, 0))
	testkit.Equal(t, "exit code", run.ProcessState.ExitCode(), 7)
	if !strings.HasPrefix(stderr.String(), "minictr: clean up: remove cgroup: ") {
		t.Errorf("standard error: %q", stderr.String())
	}
	note := filepath.Join(os.Getenv("MINICTR_ROOT"), "containers", id, "upper", "note")
	_, err = os.Stat(note)
	testkit.Check(t, err)
	said(t, "run", "--rm", "demo", "true")
	if _, err := os.Stat(group); err == nil {
		t.Error("the next command leaves the cgroup")
	}
}

// kill starts a container with processes called mark, and kills its minictr.
func kill(t *testing.T, flags, mark string) (id string) {
	t.Helper()
	idFile := filepath.Join(t.TempDir(), "id")
	args := append([]string{"run", "--cidfile", idFile}, strings.Fields(flags)...)
	run := exec.Command("minictr", append(args, "demo", "sh", "-c", `sh -c 'echo ready; sleep 1000' "$0" & wait`,
		mark)...)
	out, err := run.StdoutPipe()
	testkit.Check(t, err)
	run.Stderr = os.Stderr
	testkit.Check(t, run.Start())
	_, err = out.Read(make([]byte, 8))
	testkit.Check(t, err)
	if len(processes(mark)) == 0 {
		t.Fatal("the container's processes are not seen")
	}
	run.Process.Kill()
	run.Wait()
	return testkit.ReadFile(t, idFile)
}

// traces lists what a container could leave: processes with mark among their arguments,
// mounts, cgroups, files in the store.
func traces(t *testing.T, mark string) string {
	t.Helper()
	list := processes(mark)
	mounts := testkit.ReadFile(t, "/proc/self/mountinfo")
	for line := range strings.Lines(mounts) {
		if strings.Contains(line, os.Getenv("MINICTR_ROOT")) {
			list = append(list, "mount "+line)
		}
	}
	root, err := cgroup.Mount()
	testkit.Check(t, err)
	ids, _ := filepath.Glob(os.Getenv("MINICTR_ROOT") + "/containers/*")
	for _, path := range ids {
		list = append(list, "directory "+path)
		if _, err := os.Stat(filepath.Join(root, "minictr", filepath.Base(path))); err == nil {
			list = append(list, "cgroup "+path)
		}
	}
	names, _ := filepath.Glob(os.Getenv("MINICTR_ROOT") + "/names/*")
	list = append(list, names...)
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// processes are the command lines with mark in them, without minictr's own.
func processes(mark string) (list []string) {
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, c := range commands {
		if line, _ := os.ReadFile(c); bytes.Contains(line, []byte(mark)) &&
			!bytes.Contains(line, []byte("minictr\x00")) {
			list = append(list, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return list
}
