// Package compile turns an OCI config into a plan: the list of system calls that make
// the container.
//
// Compiling makes no system call, needs no privileges, and gives the same list for the
// same config. [Compile] is the plan of a container, [Exec] of a further process in it,
// [Hook] of a hook, and [Last] what is left of the plan of a container that was created
// and is started now. [Update] changes the limits of one that runs, [Mount] shows the root
// of one that does not.
//
// Read it in this order:
//
//	compile.go     the parts of a plan, in their order
//	builder.go     the list of steps while it is written
//	shape.go       what the container is like: one look at the config
//	cgroup.go      a directory in the cgroup2 filesystem, its limits and device rules
//	root.go        the layers stacked by overlayfs, as a detached mount; pivot_root
//	namespaces.go  clone3(2), and a second process in new namespaces
//	session.go     signals, streams, session
//	mounts.go      the mounts of the config; bind.go, filesystem.go, target.go
//	dev.go         /dev; device.go
//	mask.go        masked and read-only paths
//	confine.go     capabilities, user, no_new_privs; filter.go
//	execve.go      the child becomes the program; path.go finds it
//
// Then exec.go, another process in a container that runs; update.go, other limits for it;
// view.go, the root of one that does not run; stops.go, a plan that waits for its reader
// (`run --step`); and what these files lean on:
// options.go, what the config does not say; mountoptions.go, the words of a mount's
// options; check.go, configs that are refused; terminal.go. Files called oci_*.go are
// the breadth of the specification, beyond a plain container.
//
// The plans of many kinds of container are in testdata.
package compile
