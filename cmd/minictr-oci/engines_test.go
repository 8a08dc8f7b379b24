package main

// The three engines of Debian drive minictr-oci: podman, docker and containerd.
// What a user of theirs types and sees is in testdata/engines, a directory for
// each engine; in "cli" is what podman and docker share, with "engine" for
// either's name. The scripts find the image "demo", and this word besides testscript's
// own and testkit.Words:
//
//	terminal COMMAND…     run it in a terminal of 31 rows and 97 columns, and show
//	                      what is on the screen; what is in the file "keys" is
//	                      typed as soon as "ready" stands there
//
// An engine is registered as README.md says. To try the scripts themselves,
// with a runtime that is known to be good: RUNTIME=/usr/sbin/runc go test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// build builds minictr-oci as make build does, and returns its path.
func (m *machine) build() string {
	m.t.Helper()
	m.oci = m.path("minictr-oci")
	if other := os.Getenv("RUNTIME"); other != "" {
		m.oci = other
		return m.oci
	}
	build := exec.Command("go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-o", m.oci, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		m.t.Fatalf("go build: %v\n%s", err, out)
	}
	return m.oci
}

// scripts runs the scripts of directories, each as a test of its own.
func (m *machine) scripts(dirs ...string) {
	words := testkit.Words()
	words["terminal"] = m.terminal
	for _, dir := range dirs {
		m.t.Run(dir, func(t *testing.T) {
			// in turn: podman's `rm` unmounts the container's shm, which fails with EBUSY while any
			// process clones the mount namespace, with every runtime
			testscript.RunT(testkit.InTurn{T: t}, testscript.Params{
				Dir:      "testdata/engines/" + dir,
				Deadline: time.Now().Add(10 * time.Minute),
				Setup: func(e *testscript.Env) error {
					e.Setenv("OCI", m.oci)
					e.Setenv("DEMO", "docker.io/library/demo:latest") // the full name, which ctr needs
					e.Setenv("PATH", m.path("bin")+":"+e.Getenv("PATH"))
					for _, dir := range []string{filepath.Dir(e.WorkDir), e.WorkDir} {
						if err := os.Chmod(dir, 0o755); err != nil {
							return err
						}
					}
					return nil
				},
				Cmds: words,
			})
		})
	}
}

func (m *machine) terminal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: terminal COMMAND…")
	}
	screen, line, err := pty.Open()
	ts.Check(err)
	defer screen.Close()
	ts.Check(pty.Setsize(screen, &pty.Winsize{Rows: 31, Cols: 97}))
	cmd := exec.Command(m.path("bin/"+args[0]), args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = line, line, line
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	ts.Check(cmd.Start())
	defer time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }).Stop()
	line.Close()
	keys, _ := os.ReadFile(ts.MkAbs("keys"))
	var shown strings.Builder
	for buf := make([]byte, 4096); ; {
		n, err := screen.Read(buf)
		shown.Write(buf[:n])
		if len(keys) > 0 && strings.Contains(shown.String(), "ready") {
			screen.Write(keys)
			keys = nil
		}
		if err != nil {
			break // EIO: no process has the terminal open
		}
	}
	err = cmd.Wait()
	ts.Logf("%s", shown.String())
	ts.Stdout().Write([]byte(strings.ReplaceAll(shown.String(), "\r", "")))
	testkit.WantExit(ts, err, 0)
}
