// Package validation runs the OCI's own validation programs against
// minictr-oci: natively, and in a virtual machine (scripts/test-vm).
//
// The programs come from github.com/opencontainers/runtime-tools, directory
// validation/: 58 small Go programs, each of which makes containers with the
// runtime that $RUNTIME names and prints what it found as TAP (Test Anything
// Protocol), a line "ok 1 - …" or "not ok 1 - …" for each statement of the
// runtime specification. The module in programs/ pins their version and that
// of what they need, so that none of it is needed by minictr's own go.mod.
//
// A program runs in a mount namespace whose /sys/fs/cgroup is cgroup v2 alone,
// with a /run of its own, and below a cgroup of its own, which is the root of
// the tree it sees. So they run side by side though they use the same names,
// and whatever one leaves behind ends with it: its cgroup is killed as a
// whole, its mounts go with the namespace, its files are in one directory.
//
// What became of a program is said in a few words, its verdict:
//
//	passes             it printed lines, all of them "ok", and exited with 0
//	not ok 2, 5-7      these lines, counted from 1, are not
//	silent             it printed no line: some programs check, but only
//	                   mention what is wrong in a comment
//	complains          so here: no line, and a comment with an error
//	exit 1, time-out   it did not come to its end; may follow the others
//
// README.md holds the verdict of each and, where it is not "passes", the
// reason. That table is the truth: a program that begins to pass fails the
// test as much as one that stops. `go test ./validation -update` writes the
// verdicts natively into it; those in the machine, which scripts/test-vm
// compares, and the reasons are for you to write.
//
// To see another runtime: VALIDATION_RUNTIME=runc go test -v ./validation
package validation
