// Core 1 of 28: this list

// Package runtime starts the process that an OCI config describes and waits for its exit.
// It knows nothing of images: its input is a config (config.json of the OCI runtime
// specification: the program, its mounts, its limits, …) and a root filesystem.
//
// It does so in two parts: package compile turns the config into a plan, a list of system
// calls, and package walk carries the plan out.
//
// # The learner's core
//
// A reader who knows Go, and has never seen clone(2), reads these files from top to
// bottom in this order, without opening others. Before them: scripts/demo-image, an
// image made by hand.
//
//	 1  runtime/doc.go                 this list
//	 2  runtime/plan/doc.go            the language of a plan
//	 3  runtime/plan/plan.go           a plan, and how two processes wait for each other
//	 4  runtime/plan/step.go           a step: one system call
//	 5  runtime/plan/print.go          a plan as text
//	 6  runtime/compile/compile.go     the parts of a plan, in their order
//	 7  runtime/compile/builder.go     the list of steps while it is written
//	 8  runtime/compile/shape.go       what the container is like
//	 9  runtime/compile/cgroup.go      the control group
//	10  runtime/compile/root.go        the root filesystem
//	11  runtime/compile/namespaces.go  namespaces, and the call that makes a process in them
//	12  runtime/compile/session.go     signals, streams and session of the child
//	13  runtime/compile/mounts.go      the mounts of the config
//	14  runtime/compile/bind.go        bind mounts
//	15  runtime/compile/filesystem.go  filesystems
//	16  runtime/compile/target.go      the place to mount on
//	17  runtime/compile/dev.go         /dev
//	18  runtime/compile/device.go      devices
//	19  runtime/compile/mask.go        masked and read-only paths
//	20  runtime/compile/confine.go     what the program may do
//	21  runtime/compile/filter.go      the seccomp filter
//	22  runtime/compile/execve.go      the child becomes the program
//	23  runtime/walk/doc.go            carrying a plan out
//	24  runtime/walk/walk.go           the host's side
//	25  runtime/walk/lower.go          steps become machine words
//	26  runtime/walk/child.go          the loop that the child runs
//	27  runtime/walk/trampoline.go     the last steps, as a program of their own
//	28  runtime/walk/error.go          a step that failed, in words
//
// Then, for those who go on:
//
//	plan/call  one function for each system call
//	cgroup     which file of a control group holds which limit
//	seccomp    the filter of system calls
//	stdio      what the container's standard streams are connected to
//	state      the containers that exist, and the recorded state of each
//
// This package uses them all. For a child of this process, Start compiles a plan and
// carries it out, Wait waits for the process, and Close removes its cgroup. A container
// that outlives the command that made it (create.go) has Create, StartCreated, Exec, Kill
// and Delete, each for a command of its own, and hooks in between.
package runtime
