// Package hardening attacks containers, and then checks the host. It has tests only:
// they run the real commands, as root, with hostile images and bundles.
//
// Each test begins with guard: a picture of the host (mounts, links, cgroups, the store,
// descriptors, processes, settings, and canary files with all their attributes) is taken
// before and after, and must be the same. The tests run in namespaces of their own
// (machine_test.go), so that nothing else is in the picture. A probe, a small static
// program, tries system calls inside.
//
// HARDENING.md lists the classes of published vulnerabilities, and the tests of each.
// Other tests cover accidents: kill -9 at each step (crash, bundlecrash, detached), a
// full disk, concurrent commands, hundreds of containers (leak, rivals).
//
// Run it with: sudo go test ./hardening (-short leaves out what is slow). It needs
// Debian's busybox-static, and strace.
package hardening
