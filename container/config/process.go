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

func (c *config) setArgs() error {
	args := commandLine(c.o.Entrypoint, c.o.Command, c.image.Entrypoint, c.image.Cmd)
	if len(args) == 0 || args[0] == "" {
		return hint.New(errors.New("no command specified"),
			"the image names none: write one after IMAGE")
	}
	for _, arg := range args {
		if strings.ContainsRune(arg, 0) {
			return fmt.Errorf("argument %q: holds a NUL byte", arg)
		}
	}
	if c.o.Init {
		if err := c.checkInit(); err != nil {
			return err
		}
		args = slices.Concat([]string{InitPath, "--"}, args)
	}
	c.spec.Process.Args = args
	c.spec.Process.Terminal = c.o.TTY
	return c.setCwd()
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
func (c *config) checkInit() error {
	if !c.own(specs.PIDNamespace) {
		return errors.New("--init: needs a pid namespace of its own, and --pid host shares the host's")
	}
	if c.host.Init == "" {
		return hint.New(errors.New("--init: no init program on this machine"), "apt install tini")
	}
	return nil
}

func (c *config) setCwd() error {
	if c.o.Workdir != "" {
		if !path.IsAbs(c.o.Workdir) || strings.ContainsRune(c.o.Workdir, 0) {
			return hint.New(fmt.Errorf("--workdir %q: not an absolute path", c.o.Workdir),
				"begin it with /")
		}
		c.spec.Process.Cwd = path.Clean(c.o.Workdir)
		return nil
	}
	if strings.ContainsRune(c.image.WorkingDir, 0) {
		return fmt.Errorf("image working directory %q: holds a NUL byte", c.image.WorkingDir)
	}
	c.spec.Process.Cwd = path.Clean("/" + c.image.WorkingDir)
	return nil
}
