package config

import (
	"cmp"
	"io/fs"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ExecProcess replaces the process of a running container's config by the one that
// o describes. Of o it reads Command, TTY, Env, EnvFiles, User and Workdir; what o
// leaves out stays the container's own. files is the container's root as it is now,
// read for /etc/passwd and /etc/group; it may be nil without o.User. Of h it reads
// Environ and Dir, the caller's.
func ExecProcess(spec *specs.Spec, o *Options, files fs.FS, h Host) error {
	b := &builder{o: o, files: files, host: h, home: "/", spec: spec}
	p := spec.Process
	p.Args, p.Terminal, p.ConsoleSize = o.Command, o.TTY, nil
	if env := environment(p.Env); o.TTY && env.index("TERM") < 0 {
		env.set("TERM", "xterm")
		p.Env = env
	}
	if o.User != "" {
		if err := b.changeUser(); err != nil {
			return err
		}
	}
	grantCapabilities(p)
	if o.Workdir != "" {
		if err := b.setCwd(); err != nil {
			return err
		}
	}
	return b.addEnv()
}

// changeUser gives the process the user of o. A HOME that is the former user's
// home, as it is unless it was set explicitly, becomes the new user's.
func (b *builder) changeUser() error {
	before, err := b.findUser(strconv.FormatUint(uint64(b.spec.Process.User.UID), 10))
	if err != nil {
		return err
	}
	env := environment(b.spec.Process.Env)
	if home, _ := env.get("HOME"); home == cmp.Or(before.home, "/") {
		env.unset("HOME")
	}
	b.spec.Process.Env = env
	return b.setUser()
}

// grantCapabilities gives root the container's bounding set, and every other user
// no capability; the inheritable and ambient sets stay empty (HARDENING.md, row 8).
func grantCapabilities(p *specs.Process) {
	if p.Capabilities == nil {
		return
	}
	most := p.Capabilities.Bounding
	p.Capabilities = &specs.LinuxCapabilities{Bounding: most}
	if p.User.UID == 0 {
		p.Capabilities.Effective, p.Capabilities.Permitted = most, most
	}
}
