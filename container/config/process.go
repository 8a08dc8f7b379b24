package config

// An image has two lists: Entrypoint, the program that always runs, and Cmd, its default
// arguments. The words after IMAGE replace Cmd. --entrypoint replaces Entrypoint and
// removes Cmd: those arguments are for another program.

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// InitPath is where --init mounts the host's init program, as in docker.
const InitPath = "/sbin/docker-init"

// setArgs sets the command line, the terminal and the working directory.
func (b *builder) setArgs() error {
	args := commandLine(b.o.Entrypoint, b.o.Command, b.image.Entrypoint, b.image.Cmd)
	switch {
	case len(args) > 0 && args[0] == "":
		return hint.New(errors.New("no command specified: its first word is empty"),
			"write the name of a program: --entrypoint PROGRAM, or a command after IMAGE")
	case len(args) == 0 && b.o.Entrypoint != nil:
		return hint.New(errors.New("no command specified"),
			"write a command after IMAGE: --entrypoint removes the image's")
	case len(args) == 0:
		return hint.New(errors.New("no command specified"), "write a command after IMAGE: the image has none")
	}
	for _, arg := range args {
		if strings.ContainsRune(arg, 0) {
			return fmt.Errorf("argument %q: contains a NUL byte", arg)
		}
	}
	if b.o.Init {
		if err := b.checkInit(); err != nil {
			return err
		}
		args = slices.Concat([]string{InitPath, "--"}, args)
	}
	b.spec.Process.Args = args
	b.spec.Process.Terminal = b.o.TTY
	return b.setCwd()
}

// commandLine combines entrypoint and command of flags and image, by docker's rules: an
// entrypoint of the flags also removes the image's command, and one of a single empty
// word is none.
func commandLine(entrypoint *string, command, imageEntrypoint, imageCmd []string) []string {
	if len(imageEntrypoint) == 1 && imageEntrypoint[0] == "" {
		imageEntrypoint = nil
	}
	switch {
	case entrypoint != nil && *entrypoint != "":
		return slices.Concat([]string{*entrypoint}, command)
	case entrypoint != nil:
		return command
	case len(command) > 0:
		return slices.Concat(imageEntrypoint, command)
	}
	return slices.Concat(imageEntrypoint, imageCmd)
}

// checkInit refuses an init that could not reap orphans: only PID 1 of a PID namespace
// inherits them (pid_namespaces(7)).
func (b *builder) checkInit() error {
	if !b.hasNamespace(specs.PIDNamespace) {
		return errors.New("--init and --pid host exclude each other")
	}
	if b.host.Init == "" {
		return hint.New(errors.New("--init: no init program on this machine"), "apt install tini")
	}
	return nil
}

// setCwd sets the working directory: the flag's, the image's, or /.
func (b *builder) setCwd() error {
	if b.o.Workdir != "" {
		if !path.IsAbs(b.o.Workdir) || strings.ContainsRune(b.o.Workdir, 0) {
			return hint.New(fmt.Errorf("--workdir %q: not an absolute path", b.o.Workdir), "begin it with /")
		}
		b.spec.Process.Cwd = path.Clean(b.o.Workdir)
		return nil
	}
	if strings.ContainsRune(b.image.WorkingDir, 0) {
		return fmt.Errorf("image working directory %q: contains a NUL byte", b.image.WorkingDir)
	}
	b.spec.Process.Cwd = path.Clean("/" + b.image.WorkingDir)
	return nil
}
