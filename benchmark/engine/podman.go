package engine

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/minictr/minictr/benchmark"
)

// podman, with the runtime that is installed and a store of its own.
type podman struct{ dir string }

func (p *podman) name() string                { return "podman run -d" }
func (p *podman) version() ([]string, string) { return []string{"podman", "--version"}, "version" }
func (p *podman) at(scratch string)           { p.dir = scratch }
func (p *podman) list() []string              { return p.command("ps", "-aq") }
func (p *podman) bundle(string, string) error { return nil }
func (p *podman) store() []string             { return []string{filepath.Join(p.dir, "podman")} }

func (p *podman) available() error {
	return errors.Join(installed("podman"), installed("runc"))
}

func (p *podman) command(words ...string) []string {
	return append([]string{"podman", "--cgroup-manager", "cgroupfs", "--runtime", "runc", "--events-backend", "none",
		"--root", filepath.Join(p.dir, "podman"), "--runroot", filepath.Join(p.dir, "run")}, words...)
}

func (p *podman) prepare(ctx context.Context, s benchmark.Setup) error {
	archive, err := writeImage(s)
	if err != nil {
		return err
	}
	return output(ctx, p.command("load", "-q", "-i", archive)...)
}

// run has explicit limits: podman would raise some, which not every machine
// allows. Its log would go to journald by default, which not everybody has.
func (p *podman) run(id, folder string) []string {
	return p.command("run", "-d", "--name", id, "--network", "none", "-v", folder+":"+inside, "--log-driver", "k8s-file",
		"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--pids-limit", "0", image)
}

func (p *podman) exec(id string, argv ...string) []string {
	return append(p.command("exec", id), argv...)
}

func (p *podman) remove(id string) []string { return p.command("rm", "-f", "-t", "0", id) }

// close lets podman unmount what it has mounted.
func (p *podman) close() error {
	if p.dir == "" {
		return nil
	}
	return errors.Join(output(context.Background(), p.command("rmi", "--all", "--force")...),
		unmountBelow(p.dir))
}
