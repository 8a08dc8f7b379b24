// Package rootfs opens the root filesystem of a container for cp, export, exec and ps --size,
// whether the container runs or not.
//
// The root of a running container is that of its process; the root of any other is
// mounted, for this command alone, as create would mount it. Both are trees that the
// container's programs may change at any moment: a caller looks paths up through the
// descriptor it gets, never by a path of the host (openat2(2), RESOLVE_IN_ROOT). The
// package does not copy, and does not start anything.
//
// Reading order: root.go, size.go, bare.go (the root of a process without its mounts),
// mount.go (the root of a container that does not run).
package rootfs
