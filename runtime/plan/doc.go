// Core 2 of 28: the language of a plan

// Package plan is the language of a plan: the list of system calls that make
// a container.
//
// There is no "container" in the Linux kernel. There are namespaces, mounts,
// control groups, capabilities and filters, and a process is called a
// container when it was put into enough of them. Everything that is done to
// it, is done by a system call; so a container is a list of system calls, and
// this package writes that list down before any of them is made.
//
// A [Step] is one call: its name, its arguments, the side that makes it and a
// sentence that says why. The host side is the process that you started; the
// container side is its child from clone3(2) on, which walks the rest of the
// list until execve(2) turns it into the program you asked for. A step may
// name its result, "@root", and a later step may use that name for an
// argument: nearly always a file descriptor.
//
// Three rules keep it simple and safe:
//
//   - The list is data. Compiling makes no system call, needs no privileges
//     and gives the same list for the same config, so a test compares it as
//     text and a reader prints it with `minictr plan`.
//   - What lives only as long as the container is never given a name on the
//     host: the root is a detached mount, bind sources are file descriptors.
//     When the process dies, by kill -9 even, they are gone.
//   - Paths inside a container's root are hostile. The child pivots first, so
//     "/proc" can only mean its own; then every mount goes onto a descriptor
//     that openat2(2) opened without following a link.
//
// Package compile makes a plan of an OCI config, from the steps of package call;
// package walk carries it out.
package plan
