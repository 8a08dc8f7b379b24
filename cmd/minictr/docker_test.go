package main

// A dockerd of our own, with an empty store and no network, and a docker-registry.
// testdata/docker exchanges images between them and minictr. The scripts have, besides
// the words of testdata/script:
//
//	docker    a client of that dockerd
//	$PLAIN    the registry
//
// The daemon has a mount namespace of its own, so that its mounts end with it; it ends
// with the test, in whatever way.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

func TestDocker(t *testing.T) {
	testkit.NeedRoot(t)
	testkit.NeedTool(t, "dockerd", "docker", "docker-registry")
	archive, dir := testkit.DemoImage(t), t.TempDir()
	registry, stop, err := startRegistry(dir, "plain", "")
	testkit.Check(t, err)
	t.Cleanup(stop)
	socket := startDocker(t, dir, registry)
	scripts, err := filepath.Glob("testdata/docker/*.txtar")
	testkit.Check(t, err)
	for _, script := range scripts { // one after the other: they share a dockerd and an image
		t.Run(filepath.Base(script), func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Files: []string{script},
				Setup: func(e *testscript.Env) error {
					e.Setenv("PLAIN", registry)
					e.Setenv("DOCKER_HOST", "unix://"+socket)
					e.Setenv("HOME", e.WorkDir)
					e.Setenv("DOCKER_CONFIG", filepath.Join(e.WorkDir, ".docker"))
					return setUp(e, archive)
				},
				Cmds:      scriptWords(),
				Condition: condition,
			})
		})
	}
}

// startDocker runs a dockerd with its files in dir, and waits until it answers.
func startDocker(t *testing.T, dir, registry string) (socket string) {
	t.Helper()
	path := func(name string) string { return filepath.Join(dir, name) }
	output, err := os.Create(path("log"))
	testkit.Check(t, err)
	defer output.Close()
	if err := os.WriteFile(path("daemon.json"), []byte("{}"), 0o600); err != nil { // not the host's
		t.Fatal(err)
	}
	socket = path("sock")
	cgroups := fmt.Sprintf("minictr-test-%d", os.Getpid())
	server := exec.Command("dockerd", "--data-root", path("data"), "--exec-root", path("exec"), "--pidfile",
		path("pid"),
		"-H", "unix://"+socket, "--config-file", path("daemon.json"), "--bridge=none", "--iptables=false",
		"--insecure-registry", registry,
		"--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", "/"+cgroups)
	server.Stdout, server.Stderr = output, output
	server.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: unix.SIGTERM}
	testkit.Check(t, server.Start())
	ended := make(chan struct{})
	go func() { server.Wait(); close(ended) }()
	t.Cleanup(func() {
		server.Process.Signal(unix.SIGTERM) // it stops its containerd
		select {
		case <-ended:
		case <-time.After(testkit.Timeout):
			server.Process.Kill()
			<-ended
			t.Error("dockerd does not end")
		}
		removeCgroups(t, cgroups)
	})
	if !testkit.Within(func() bool { return exec.Command("docker", "-H", "unix://"+socket, "version").Run() == nil }) {
		text, _ := os.ReadFile(path("log"))
		t.Fatalf("no answer from dockerd:\n%s", text)
	}
	return socket
}

// removeCgroups removes the empty parent of docker's cgroups, in each hierarchy.
func removeCgroups(t *testing.T, name string) {
	t.Helper()
	for _, group := range append(glob(t, "/sys/fs/cgroup/*/"+name), glob(t, "/sys/fs/cgroup/"+name)...) {
		gone := func() bool { return errors.Is(os.Remove(group), fs.ErrNotExist) }
		if !testkit.Within(gone) {
			t.Errorf("%s cannot be removed", group)
		}
	}
}
