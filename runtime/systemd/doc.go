// Package systemd asks systemd, over D-Bus, for the cgroup of a container.
//
// Where systemd is the first process it owns the tree of cgroups: each cgroup has one
// writer, and another program may write only below a cgroup that systemd has delegated to
// it (systemd's docs/CGROUP_DELEGATION.md). systemd calls its cgroups units: a *slice*
// holds other units, a *scope* holds processes that systemd has not started itself. So a
// runtime asks for a scope:
//
//	StartTransientUnit("docker-ID.scope", "replace", [
//		Slice=system.slice  Delegate=true  PIDs=[PID]  MemoryMax=…  TasksMax=… ])
//
// systemd makes the cgroup /system.slice/docker-ID.scope, moves the process there, sets
// the limits and, when the last process has exited, removes the cgroup and forgets the
// scope. A scope needs a process from the beginning. The container's own does not exist
// yet: it starts in the cgroup, by clone3(2). So another process, which only waits, holds
// the scope until then (runtime/scope.go).
//
// The bus is the only thing that is not a system call of a plan. All that follows is one:
// the plan opens the cgroup, and writes the limits (package compile). systemd is told the
// same limits since it sets those that it knows again, after a daemon-reload for example.
//
// The client is github.com/coreos/go-systemd, as in runc. The properties are described in
// org.freedesktop.systemd1(5) and systemd.resource-control(5).
//
// Reading order: scope.go (names and paths), properties.go (limits as properties),
// annotations.go (properties in the config), bus.go.
package systemd
