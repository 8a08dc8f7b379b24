package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
	"golang.org/x/sys/unix"
)

// docker, with a daemon of its own: nothing of the one that may be running is
// touched.
type docker struct {
	dir    string
	daemon *exec.Cmd
}

func (d *docker) name() string                { return "docker run -d" }
func (d *docker) version() ([]string, string) { return []string{"dockerd", "--version"}, "version" }
func (d *docker) at(scratch string)           { d.dir = scratch }
func (d *docker) list() []string              { return d.command("ps", "-aq") }
func (d *docker) bundle(string, string) error { return nil }
func (d *docker) store() []string             { return []string{filepath.Join(d.dir, "data")} }
func (d *docker) available() error            { return errors.Join(installed("docker"), installed("dockerd")) }
func (d *docker) socket() string              { return "unix://" + filepath.Join(d.dir, "docker.sock") }

func (d *docker) command(words ...string) []string {
	return append([]string{"docker", "-H", d.socket()}, words...)
}

func (d *docker) prepare(ctx context.Context, s benchmark.Setup) error {
	archive, err := writeImage(s)
	if err != nil {
		return err
	}
	if err := d.wake(ctx, s); err != nil {
		return err
	}
	return output(ctx, d.command("load", "-q", "-i", archive)...)
}

// wake starts the daemon. It goes on with the containers that are there.
func (d *docker) wake(ctx context.Context, s benchmark.Setup) error {
	if err := d.gone(ctx); err != nil {
		return err
	}
	d.daemon = exec.Command("dockerd", "--data-root", filepath.Join(d.dir, "data"), "--exec-root", filepath.Join(d.dir, "run"),
		"--pidfile", filepath.Join(d.dir, "docker.pid"), "-H", d.socket(), "--bridge=none", "--iptables=false")
	d.daemon.Stdout, d.daemon.Stderr = s.Log, s.Log
	// It does not hear the terminal's Ctrl-C, is asked to end by close, and does
	// not outlive us.
	d.daemon.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGTERM}
	if err := d.daemon.Start(); err != nil {
		return err
	}
	return d.ready(ctx)
}

// gone waits for the daemon of a benchmark that was killed, which is ending.
func (d *docker) gone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	text, _ := os.ReadFile(filepath.Join(d.dir, "docker.pid")) // it removes that at its end
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		return family{pid}.end(ctx)
	}
	return nil
}

func (d *docker) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := output(ctx, d.command("version")...)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("dockerd does not answer: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (d *docker) run(id, folder string) []string {
	return d.command("run", "-d", "--name", id, "--network", "none", "-v", folder+":"+inside, image)
}

func (d *docker) exec(id string, argv ...string) []string {
	return append(d.command("exec", id), argv...)
}

func (d *docker) remove(id string) []string { return d.command("rm", "-f", id) }

func (d *docker) close() error {
	if d.daemon == nil || d.daemon.Process == nil {
		return nil
	}
	err := d.daemon.Process.Signal(unix.SIGTERM)
	d.daemon.Wait() // its exit status tells nothing that is wanted here
	return errors.Join(err, unmountBelow(d.dir))
}

// unmountBelow takes away the mounts that an engine has left in its folder,
// the innermost first.
func unmountBelow(dir string) error {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var points []string
	for line := range strings.Lines(string(text)) {
		if point := strings.Fields(line)[4]; strings.HasPrefix(point, dir+"/") {
			points = append(points, point)
		}
	}
	for _, point := range slices.Backward(points) {
		if err := unix.Unmount(point, 0); err != nil {
			return fmt.Errorf("umount %s: %w", point, err)
		}
	}
	return nil
}
