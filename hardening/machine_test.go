package hardening

// The tests run in mount, PID, network, IPC, UTS and cgroup namespaces of their own,
// with a cgroup v2 tree of their own. So what a test leaves is not mixed up with other
// processes of the host, and when the tests end, even by kill -9, the kernel removes all
// of it.
//
// TestMain builds the commands, starts the test binary again as pid 1 of the namespaces,
// and that a third time as its child.

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// insideEnv holds the tests' directory, for the binary that runs as pid 1.
const insideEnv = "HARDENING_FOLDER"

// Paths in the tests' directory.
var (
	bin    string // minictr, minictr-oci, probe
	store  string // minictr's --root, with the image "box"
	states string // minictr-oci's --root
	canary string // a directory of the host that no container may touch
)

func TestMain(m *testing.M) {
	if directory := os.Getenv(insideEnv); directory != "" {
		if os.Getpid() == 1 {
			reap()
		}
		os.Unsetenv(insideEnv)
		os.Exit(inside(m, directory))
	}
	if os.Getuid() != 0 {
		os.Exit(m.Run()) // each test skips, with the reason
	}
	code, err := outside()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hardening:", err)
		code = 1
	}
	os.Exit(code)
}

// outside builds the commands, and runs the tests in the namespaces.
func outside() (code int, err error) {
	directory, err := os.MkdirTemp("", "hardening")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	if err := build(filepath.Join(directory, "bin")); err != nil {
		return 0, err
	}
	group, err := makeCgroup()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cgroup.Remove(group)) }()
	root, err := os.Open(group)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	// the root of a new cgroup namespace is the cgroup of the caller, so it is made
	// inside, by unshare(1)
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command("unshare", append([]string{"--cgroup", self}, os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), insideEnv+"="+directory, "HARDENING_CGROUP="+group)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		Pdeathsig:   unix.SIGKILL,
		UseCgroupFD: true,
		CgroupFD:    int(root.Fd()),
	}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return 1, nil // the tests have printed the reason
	}
	return 0, err
}

// build compiles without cgo, so that the probe runs in any root.
func build(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-o", dir, "../cmd/minictr", "../cmd/minictr-oci", "./probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	return nil
}

func makeCgroup() (string, error) {
	mount, err := cgroup.Mount()
	if err != nil {
		return "", err
	}
	return os.MkdirTemp(mount, "hardening")
}

// reap is pid 1: it starts the tests, and waits for orphans, which would keep their PID
// namespaces.
func reap() {
	tests, err := syscall.ForkExec("/proc/self/exe", os.Args,
		&syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		fmt.Fprintln(os.Stderr, "hardening: start the tests:", err)
		os.Exit(1)
	}
	for {
		var status unix.WaitStatus
		if pid, _ := unix.Wait4(-1, &status, 0, nil); pid == tests {
			os.Exit(status.ExitStatus())
		}
	}
}

// inside runs the tests in the namespaces.
func inside(m *testing.M, directory string) int {
	bin, store = filepath.Join(directory, "bin"), filepath.Join(directory, "store")
	states, canary = filepath.Join(directory, "states"), filepath.Join(directory, "canary")
	for _, part := range []func() error{privateMounts, leaveRoot, makeCanary, loadImage, warmUp} {
		if err := part(); err != nil {
			fmt.Fprintln(os.Stderr, "hardening:", err)
			return 1
		}
	}
	return m.Run()
}

// privateMounts mounts procfs of the PID namespace, and the tests' cgroup in the place
// of the host's tree.
func privateMounts() error {
	group := os.Getenv("HARDENING_CGROUP")
	os.Unsetenv("HARDENING_CGROUP")
	mount, err := cgroup.Mount()
	if err != nil {
		return err
	}
	for _, m := range []struct {
		source, target, fstype string
		flags                  uintptr
	}{
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE},
		{"proc", "/proc", "proc", 0},
		{group, mount, "", unix.MS_BIND},
	} {
		if err := unix.Mount(m.source, m.target, m.fstype, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.source, m.target, err)
		}
	}
	return nil
}

// leaveRoot moves to a cgroup below: one with processes cannot enable controllers for
// its children.
func leaveRoot() error {
	mount, err := cgroup.Mount()
	if err != nil {
		return err
	}
	own := filepath.Join(mount, "tests")
	if err := os.Mkdir(own, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(own, "cgroup.procs"), []byte("0"), 0)
}

// warmUp creates what the first container, and the first missing image, create for all:
// directories of the store and of volumes, the parent cgroup, the indexes of the layers.
func warmUp() error {
	if err := os.Mkdir(states, 0o700); err != nil {
		return err
	}
	if err := owned.Mark(states, owned.State); err != nil {
		return err
	}
	run(command("minictr", "run", "--rm", "localhost:1/nobody/nothing", "true"))
	run(command("minictr", "layers", "ls", "box"))
	r := run(command("minictr", "run", "--rm", "--name", "first", "-v", "/volume", "box", "true"))
	if r.code != 0 {
		return fmt.Errorf("run the first container: exit code %d: %s", r.code, r.stderr)
	}
	return nil
}
