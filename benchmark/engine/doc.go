// Package engine has the targets that share this computer's kernel: a plain
// process, and the workload in a container of minictr, crun, runc, podman or
// docker.
//
// All are used in the same way. The workload answers on a socket in a directory
// that is bound into the container, so that no network is made (those of the
// engines differ too much) and none is between. The socket gets its name when
// the workload listens on it, and inotify(7) reports that at once: connecting
// needs no polling.
//
// All containers run detached, and what stays is what the engine needs to
// monitor them; minictr's run in the foreground as well.
//
// Reading order: tools.go (the commands of each engine), engine.go, start.go,
// explain.go; then bundle.go, thread.go (where commands are
// started), processes.go (and cgroups, as the kernel knows them).
package engine
