package config

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// InitPath is where --init shows the host's init program, as docker does.
const InitPath = "/sbin/docker-init"

func (b *builder) setArgs() error {
	args := commandLine(b.o.Entrypoint, b.o.Command, b.image.Entrypoint, b.image.Cmd)
	if len(args) == 0 || args[0] == "" {
		return hint.New(errors.New("no command specified"),
			"the image names none: write one after IMAGE")
	}
	for _, arg := range args {
		if strings.ContainsRune(arg, 0) {
			return fmt.Errorf("argument %q: holds a NUL byte", arg)
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

// commandLine joins what the caller and the image say, by docker's rules.
func commandLine(entrypoint *string, command, imageEntrypoint, imageCmd []string) []string {
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

// checkInit refuses an init that could not do its work: only pid 1 of its own
// namespace inherits orphans.
func (b *builder) checkInit() error {
	if !b.hasNamespace(specs.PIDNamespace) {
		return errors.New("--init: needs a pid namespace of its own, and --pid host shares the host's")
	}
	if b.host.Init == "" {
		return hint.New(errors.New("--init: no init program on this machine"), "apt install tini")
	}
	return nil
}

func (b *builder) setCwd() error {
	if b.o.Workdir != "" {
		if !path.IsAbs(b.o.Workdir) || strings.ContainsRune(b.o.Workdir, 0) {
			return hint.New(fmt.Errorf("--workdir %q: not an absolute path", b.o.Workdir),
				"begin it with /")
		}
		b.spec.Process.Cwd = path.Clean(b.o.Workdir)
		return nil
	}
	if strings.ContainsRune(b.image.WorkingDir, 0) {
		return fmt.Errorf("image working directory %q: holds a NUL byte", b.image.WorkingDir)
	}
	b.spec.Process.Cwd = path.Clean("/" + b.image.WorkingDir)
	return nil
}
