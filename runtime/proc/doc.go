// Package proc reads what the kernel says of a process: its namespaces, mounts, cgroup,
// ids, capabilities, and what else makes it a container.
//
// The kernel has no object that is a container: a container is a process with these
// properties, and each of them is a file below /proc/PID (proc(5)). Nothing here reads
// what minictr has recorded, so a view is also right for a process that minictr has not
// made: one of docker's, or one of the host's own.
//
// Reading order: view.go (what a view holds, and Look), status.go, links.go, cgroup.go (the
// files that it is read from), facts.go (a view as lines), changes.go (two views
// compared).
package proc
