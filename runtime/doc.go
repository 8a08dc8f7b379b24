// Core 1 of 28: this list

// Package runtime takes an OCI config to a running process, and sees it to its exit.
// It knows nothing of images: a config and a root filesystem are all it wants.
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
//	state      which containers there are, and what is true of them
//
// This package ties them together. For a process of its own, Start compiles and walks
// the plan, Wait waits for the process, and Close removes what outlives it, its cgroup.
// A container that runs while no command of minictr does (create.go tells of its life)
// has Create, StartCreated, Exec, Kill and Delete, each a command of its own, and
// hooks in between.
package runtime
