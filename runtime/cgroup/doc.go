// Package cgroup reads and writes control groups, version 2.
//
// A cgroup is a directory in a filesystem of type cgroup2. Its processes are listed
// in cgroup.procs; a limit is a file such as memory.max, and a number is written
// there to set it. The files of a controller ("memory") exist only if every
// directory above enables it in cgroup.subtree_control.
//
// To make and fill the cgroup of a container, and to change it, is a plan (package compile).
// Here are the facts that a plan needs (where cgroup2 is mounted, which file holds
// which limit of the OCI config), and what happens to a cgroup when no plan runs.
//
// Reading order: cgroup.go (mount, kill, remove), scope.go (cgroups that systemd made),
// processes.go (list, freeze, signal), files.go (the files of a config), io.go,
// hugetlb.go, devices.go (the device rules as a BPF program), then update.go and bpf.go
// (another limit for a running container), stats.go, counters.go (usage), oom.go,
// reserve.go.
//
// Source: Documentation/admin-guide/cgroup-v2.rst in the kernel.
package cgroup
