// Core 2 of 28: the language of a plan

// Package plan is the language of a plan: the list of system calls that make a
// container.
//
// There is no "container" in the Linux kernel. A container is a process to which the
// kernel applies some of these:
//
//	namespace      a view of its own of one kind of thing: process numbers, the table of
//	               mounts, network links, host names, … (namespaces(7))
//	mount          a filesystem, or a part of one, shown at a directory (mount(2))
//	control group  a set of processes with common limits, a cgroup (cgroups(7))
//	capability     one of the parts into which root's power is divided (capabilities(7))
//	filter         a check of each system call before it is made (seccomp(2))
//
// All of them are set by system calls; so a container is a list of system calls, and
// minictr writes that list down before it makes the first.
//
// A [Step] is one call: its name, its arguments, the side that makes it, and a sentence
// that says why. The host side is minictr's own process. clone3(2), a newer fork(2), makes
// a child; that is the container side. The child makes the rest of the calls until
// execve(2) replaces minictr in it by the container's program. A step may name its result,
// "@root", and a later step may use that name as an argument: nearly always a file
// descriptor.
//
// Three rules:
//
//   - The list is data. Compiling makes no system call, needs no privileges and gives the
//     same list for the same config: a test compares it as text, and `minictr plan`
//     prints it.
//   - What lives only as long as the container has no path on the host: its root and its
//     volumes are detached mounts, which exist in no directory and are held by file
//     descriptors. When the process dies, even by SIGKILL, the kernel frees them.
//   - Paths inside a container's root are hostile. The child changes its root first, so
//     that "/proc" can only mean its own; then it mounts on descriptors that openat2(2)
//     opened, never on paths.
//
// Read it in this order: plan.go, step.go, print.go; json.go is for programs, stop.go for
// `run --step`. Package call has a function for each system call, compile makes a plan of
// an OCI config from them, and walk carries it out.
package plan
