package proc_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/proc"
)

// A view of this process holds what the tools of the system say of it.
func TestLookAtThisProcess(t *testing.T) {
	v, err := proc.Look(os.Getpid())
	testkit.Check(t, err)
	exe, err := os.Executable()
	testkit.Check(t, err)
	cwd, err := os.Getwd()
	testkit.Check(t, err)
	if v.Pids[0] != os.Getpid() || v.Exe != exe || v.Cwd != cwd || v.Root != "/" ||
		v.UIDs[1] != uint32(os.Geteuid()) || v.GIDs[1] != uint32(os.Getegid()) {
		t.Errorf("%+v", v)
	}
	if !slices.ContainsFunc(v.Mounts, func(m proc.Mount) bool { return m.Mountpoint == "/proc" && m.Type == "proc" }) {
		t.Errorf("no /proc among the mounts: %v", v.Mounts)
	}

	// each namespace, by its link
	for _, ns := range v.Namespaces {
		name := map[string]string{"mount": "mnt", "network": "net"}[ns.Type]
		if name == "" {
			name = ns.Type
		}
		link, err := os.Readlink("/proc/self/ns/" + name)
		testkit.Check(t, err)
		if want := fmt.Sprintf("%s:[%d]", name, ns.Inode); link != want {
			t.Errorf("namespace %s is %s, want %s", ns.Type, want, link)
		}
	}
	if len(v.Namespaces) < 7 {
		t.Errorf("namespaces %v", v.Namespaces)
	}

	// an open file
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	testkit.Check(t, err)
	defer f.Close()
	v, err = proc.Look(os.Getpid())
	testkit.Check(t, err)
	want := proc.Descriptor{Number: int(f.Fd()), File: os.DevNull, Access: "O_WRONLY", CloseOnExec: true}
	if !slices.Contains(v.Files, want) {
		t.Errorf("%v is not among %v", want, v.Files)
	}
}

// A process that has ended has no view.
func TestLookAtNoProcess(t *testing.T) {
	cmd := exec.Command("true")
	testkit.Check(t, cmd.Run())
	if _, err := proc.Look(cmd.Process.Pid); !errors.Is(err, proc.ErrNotExist) {
		t.Errorf("an ended process: %v", err)
	}
	cmd = exec.Command("true") // a zombie, which has no namespaces any more
	testkit.Check(t, cmd.Start())
	defer cmd.Wait()
	testkit.Eventually(t, "it is a zombie", func() bool {
		_, err := proc.Look(cmd.Process.Pid)
		return errors.Is(err, proc.ErrNotExist)
	})
}

// A cgroup is looked at by its directory; the error is ErrNotExist if there is none.
func TestLookCgroup(t *testing.T) {
	v, err := proc.Look(os.Getpid())
	testkit.Check(t, err)
	mount, err := cgroup.Mount()
	if err != nil || mount == "" {
		t.Skip("no cgroup2 filesystem")
	}
	c, err := proc.LookCgroup(filepath.Join(mount, v.Cgroup.Path))
	testkit.Check(t, err)
	if f := c.Facts(); c.Path != v.Cgroup.Path || f[0] != (proc.Fact{Section: "cgroup", Name: "path", Value: c.Path}) {
		t.Errorf("cgroup %s, want %s; facts %v", c.Path, v.Cgroup.Path, f)
	}
	for _, dir := range []string{"", filepath.Join(mount, "no/such/cgroup")} {
		if _, err := proc.LookCgroup(dir); !errors.Is(err, proc.ErrNotExist) {
			t.Errorf("LookCgroup(%q): %v", dir, err)
		}
	}
}

// Two views differ in what the process has changed meanwhile.
func TestChanges(t *testing.T) {
	v := proc.View{Comm: "sh", Pids: []int{7}, Cwd: "/", UIDs: [4]uint32{1, 1, 1, 1}}
	w := v
	w.Cwd, w.UIDs = "/tmp", [4]uint32{1, 2, 1, 2}
	w.Mounts = []proc.Mount{{Mountpoint: "/proc", Type: "proc", Source: "proc", Root: "/", Options: "rw"}}
	v.Files = []proc.Descriptor{{Number: 5, File: "/etc/passwd", Access: "O_RDONLY", CloseOnExec: true}}
	var b strings.Builder
	testkit.Check(t, proc.PrintChanges(&b, proc.Changes(v.Facts(), w.Facts())))
	want := `PROCESS
    cwd  / → /tmp

MOUNTS
  + /proc  proc rw, private

IDS
    uid  1 → 1 real, 2 effective, 1 saved, 2 filesystem

DESCRIPTORS
  - 5  /etc/passwd O_RDONLY, close-on-exec
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	testkit.Check(t, proc.PrintChanges(&b, proc.Changes(v.Facts(), v.Facts())))
	if b.String() != "nothing has changed\n" {
		t.Errorf("the same view twice: %s", b.String())
	}
}
