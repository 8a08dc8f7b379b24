// Package without leaves parts out of a container, so that a reader sees what each of them is
// good for: without a pid namespace ps(1) shows the processes of the host.
//
// A container is a list of system calls. Leaving a part out changes that list: the config
// that it is made of (config.go) and the plan itself (plan.go), and so `minictr plan` prints it.
//
// The computer must not be harmed by that. So the plan first makes an outer host (host.go):
// a user namespace whose root has no rights on the computer, and in it a mount, pid, network,
// UTS and IPC namespace. Its root directory shows the files of the computer, below a tmpfs
// that takes all changes: what only root may read there, the container may read, if it gets
// there. The container is made inside; what it reaches because of a missing part is the outer
// host. It is the same whatever is left out, but for one process more (host.go).
//
// Nothing of the computer is handed to the container: a flag that would do so is an error
// (options.go), and so is any mount of the computer's files (config.go). A plan whose
// container's process does not enter the outer host is an error, too (plan.go).
//
// Why this is enough: the kernel gives capabilities in a user namespace over what belongs to
// that namespace only (user_namespaces(7)). Its root is a user of the computer that owns no
// file and no process. No capability lets it load a module, set the clock, use a disk, write
// to a kernel parameter of the whole machine, or reboot it. A device that the image has as a
// file is opened only if the cgroup's rules allow it. The limits of the container's cgroup
// stay, even where the cgroup is left out: then they are those of the outer host.
//
// Reading order: parts.go (the table of parts), options.go (flags that contradict them),
// config.go, host.go, plan.go, diff.go (two plans compared).
package without
