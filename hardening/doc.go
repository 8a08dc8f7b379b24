// Package hardening attacks containers, and then looks at what became of the
// host. It has tests alone: they run the real commands, as root, against
// images and bundles that are made to break out.
//
// Every test begins with guard, the oracle: a picture of the host (mounts,
// links, cgroups, the store, descriptors, processes, settings, and canary files
// with all their attributes) is taken before and after, and must be the same.
// The attacks run on a machine of their own (machine_test.go), so whatever else
// is going on beside the tests is not in the picture. A probe, a small static
// program, asks the kernel questions from inside.
//
// HARDENING.md lists the classes of published vulnerabilities, and the tests of each.
//
// Besides attackers there are accidents: kill -9 at every step (crash,
// lifecrash), a full disk, two commands that want one name, two hundred
// containers in a row and at once (leak, rivals).
//
// Run it with: sudo go test ./hardening (two minutes; -short leaves out what is
// slow). It needs Debian's busybox-static, and strace to stop and kill at a
// given call.
package hardening
