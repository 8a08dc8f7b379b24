// Package call has a function for each system call that makes a container, named as its
// manual page: call.Openat2, call.MoveMount. It returns the step that makes the call; the
// side and the reason are added where a plan is compiled. Some of its steps have hints,
// which say what to do when the call fails.
//
// Read it in this order: args.go, mounts.go, files.go, processes.go, privileges.go,
// netlink.go, ipc.go; then the tables, flags.go and names.go.
package call
