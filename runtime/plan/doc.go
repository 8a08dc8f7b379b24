// Core 2 of 28: the language of a plan

// Package plan is the language of a plan: the list of system calls that make a
// container.
//
// There is no "container" in the Linux kernel. There are namespaces, mounts, control
// groups, capabilities and filters, and a process that was put into enough of them is
// called a container. All of it is done by system calls; so a container is a list of
// system calls, and minictr writes that list down before it makes the first.
//
// A [Step] is one call: its name, its arguments, the side that makes it, and a sentence
// that says why. The host side is the process that you started. clone3(2), a newer
// fork(2), makes a child; that is the container side. The child makes the rest of the
// list until execve(2) turns it into the program you asked for. A step may name its
// result, "@root", and a later step may use that name as an argument: nearly always a
// file descriptor.
//
// Three rules keep it simple and safe:
//
//   - The list is data. Compiling makes no system call, needs no privileges and gives the
//     same list for the same config: a test compares it as text, and `minictr plan`
//     prints it.
//   - What lives only as long as the container has no name on the host: its root is a
//     mount that is attached nowhere, its volumes are file descriptors. When the
//     process dies, by kill -9 even, they are gone.
//   - Paths inside a container's root are hostile. The child changes its root first, so
//     that "/proc" can only mean its own; then each mount goes onto a descriptor that
//     openat2(2) opened without following a link.
//
// Read it in this order: plan.go, step.go, print.go; json.go is for programs. Package
// call has a function for each system call, compile makes a plan of an OCI config from
// them, and walk carries it out.
package plan
