// Package compile turns an OCI config into a plan: the list of system calls that
// make the container.
//
// [Compile] reads top to bottom as the story of a container:
//
//	cgroup     a folder in the cgroup2 filesystem, its limits and device rules
//	root       the layers stacked by overlayfs, as a mount that is nowhere yet
//	clone3     one call, and a second process lives in new namespaces
//	pivot      the child takes the root for its own and drops the host's
//	furnish    /proc, /dev, /sys, volumes; what should not be seen is masked
//	confine    capabilities, user, no_new_privs, seccomp
//	execve     the child becomes the program
package compile
