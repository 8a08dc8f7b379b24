package engine

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"

	"github.com/minictr/minictr/benchmark"
)

// minictr is this project's own engine. In the foreground, the container is
// watched by the command itself; in the background, by a program of some
// kilobytes, and the command has returned.
type minictr struct {
	attached      bool
	program, root string
}

func (m *minictr) foreground() bool            { return m.attached }
func (m *minictr) available() error            { return nil } // we have built it
func (m *minictr) version() ([]string, string) { return []string{m.program, "version"}, "minictr" }
func (m *minictr) bundle(string, string) error { return nil }
func (m *minictr) store() []string             { return []string{m.root} }
func (m *minictr) command(words ...string) []string {
	return append([]string{m.program, "--root", m.root}, words...)
}

func (m *minictr) at(scratch string) {
	m.program, m.root = filepath.Join(scratch, "minictr"), filepath.Join(scratch, "root")
}

func (m *minictr) prepare(ctx context.Context, s benchmark.Setup) error {
	// A copy: the pages of a file that the linker has just written are mapped
	// more slowly than those of an installed one.
	if err := output(ctx, "cp", s.Minictr, m.program); err != nil {
		return err
	}
	archive, err := writeImage(s)
	if err != nil {
		return err
	}
	load := m.command("load", "-i", archive)
	return output(ctx, load...)
}

func (m *minictr) name() string {
	if m.attached {
		return "minictr run"
	}
	return "minictr run -d"
}

func (m *minictr) run(id, folder string) []string {
	mode := "--detach=true"
	if m.attached {
		mode = "--rm"
	}
	return m.command("run", mode, "--name", id, "--network", "none", "-v", folder+":"+inside, image)
}

func (m *minictr) exec(id string, argv ...string) []string {
	return append(m.command("exec", id), argv...)
}

func (m *minictr) remove(id string) []string { return m.command("rm", "-f", id) }
func (m *minictr) list() []string            { return m.command("ps", "-aq") }
func (m *minictr) close() error              { return nil }

// output runs a command of preparation; what it says stands in the error.
func output(ctx context.Context, argv ...string) error {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	return nil
}

// installed is an error if a program is not there.
func installed(program string) error {
	if _, err := exec.LookPath(program); err != nil {
		return errors.New(program + " is not installed")
	}
	return nil
}
