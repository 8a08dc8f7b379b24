// Package runtime takes an OCI config to a running process, and sees it to
// its end. It knows nothing of images: a config and a root filesystem are all
// it wants.
//
// Read it in this order:
//
//	plan      the list of system calls that makes a container: start with its
//	          doc comment, then Compile, then the parts in their order
//	walk      how the list is carried out: lower.go turns steps into words,
//	          child.go is the loop that the new process runs, trampoline.go the
//	          one that it runs when it has left our program
//	cgroup    which file of a control group holds which limit
//	seccomp   the filter over system calls
//	stdio     what the container's standard streams are connected to
//	state     which containers there are, and what is true of them
//
// This package ties them together. A process of our own: Start compiles and
// walks the plan, Wait waits for the process, and Close removes what outlives
// it, its cgroup. A container that lives when nobody of us runs (create.go tells
// of its life): Create, StartCreated, Exec, Kill and Delete, each a command of
// its own, and hooks at its turns.
package runtime
