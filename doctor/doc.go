// Package doctor finds out what this computer can do for containers, and what it lacks.
//
// It does not believe names and versions where it can try. What a container is made of is
// a list of system calls, so a check is a short plan (package plan) that makes the calls in
// question: a namespace, an overlay, a process in a cgroup. Each plan is carried out by a
// thread that ends with it, on descriptors and in namespaces that no other process sees:
// the computer is as before. What a check writes is a directory in the store's filesystem
// and a cgroup, both of its own and removed again.
//
// Reading order: doctor.go (a finding, and the list of checks), try.go (how a plan is
// tried), system.go (kernel, capabilities, architecture), namespaces.go, cgroup.go, store.go,
// network.go.
package doctor
