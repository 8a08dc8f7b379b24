package config

import (
	"cmp"
	"io/fs"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ExecProcess replaces the process in the config of a running container by the one that o
// describes. Of o it reads Command, TTY, Env, EnvFiles, User and Workdir; what o leaves
// out stays as in the config. files is the container's root as it is now, read for
// /etc/passwd and /etc/group; without o.User it may be nil. Of h it reads Environ and Dir.
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

// changeUser sets the user of o. HOME, if it is the home directory of the user before,
// becomes that of the new user.
func (b *builder) changeUser() error {
	former, err := findUser(b.files, strconv.FormatUint(uint64(b.spec.Process.User.UID), 10))
	if err != nil {
		return err
	}
	env := environment(b.spec.Process.Env)
	if home, _ := env.get("HOME"); home == cmp.Or(former.Home, "/") {
		env.unset("HOME")
	}
	b.spec.Process.Env = env
	return b.setUser()
}

// grantCapabilities sets the effective and permitted sets: the bounding set for root,
// none for other users. The inheritable and ambient sets stay empty (HARDENING.md, row 8).
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
