// Package config turns an image and the flags of `docker run` into an OCI runtime
// config: the one document that says what a container is.
//
// The image brings what its author decided (entrypoint, environment, user, working
// directory, volumes); the flags bring what the caller decides; Host brings the few
// facts of this machine that matter. The config spells out every default, so that its
// reader, and the reader of the plan made from it, need know no hidden rule.
//
// Rules:
//   - Config is a function of its arguments: it starts nothing, mounts nothing and
//     needs no privileges. It reads the files that a flag names, and no others.
//     ThisHost alone looks at the machine. The package knows neither a container on
//     disk nor a running one.
//   - An image is not trusted. Its text enters the config as data, is checked as a
//     flag is, and never chooses a path, a mount or a setting of the host
//     (HARDENING.md, rows 9 to 12 and 25).
//   - A flag is obeyed, or refused by its name; it is ignored only where it would
//     change nothing.
//
// Flags mean what they mean in docker (docs.docker.com/reference/cli/docker/container/
// run); the defaults are stricter where HARDENING.md says so.
//
// Reading order:
//   - options.go (what was typed), host.go and hostmounts.go (the machine), thishost.go
//     (reads it), environment.go
//   - config.go (Config and its parts, in order), builder.go; the parts: hostname.go,
//     namespaces.go, process.go, user.go, env.go, capabilities.go, security.go,
//     mounts.go with shm.go, volumes.go, namedvolumes.go, bindoptions.go and mountflag.go,
//     masks.go, devices.go, rlimits.go, sysctl.go
//   - the limits: resources.go, cpuset.go, blkio.go, cgroupfiles.go
//   - beside the config: etcfiles.go with resolver.go, exec.go (a further process),
//     origin.go (which flag set a field), settings.go with signal.go, restart.go,
//     healthcheck.go, labels.go, expose.go and logopts.go, attach.go (the streams of a
//     container in the foreground), update.go (later changes)
package config
