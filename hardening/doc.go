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
// Which class of published vulnerabilities is tried where; the rows are those
// of the project's threat list:
//
//	 1  the runtime's binary            door, program, watcher
//	 2  leaked descriptors, cwd         door, exec, watcher, streams
//	 3  a fake /proc or /sys            kernelfolder, mounts, exec
//	 4  a fake /dev/null                kernelfolder
//	 5  links at /dev, pts, devices     kernelfolder, exec
//	 6  swapped while it is used        race, mounts
//	 7  cgroups, devices, long paths    confine, cgroup, exec
//	 8  capabilities                    confine, exec, background_exec
//	 9  users and groups                confine, exec, background_exec
//	10  account files of the image      confine, background_exec
//	11  settings, environment           inputs, background_exec
//	12  hooks, annotations              hooks, watcher
//	13  abstract sockets                inputs, watcher
//	14  folders that all may enter      inputs, watcher
//	15  output and input without end    hooks, inputs, flood
//	16  terminals and control bytes     terminal, inputs, background_shown
//	17  masked and read-only paths      surface
//	18  system calls                    surface
//	19  copies                          copy
//	25  paths and ids of the image      copy, background_shown
//
// HARDENING.md names the tests of each row.
//
// Besides attackers there are accidents: kill -9 at every step (crash,
// lifecrash), a full disk, two commands that want one name, two hundred
// containers in a row and at once (leak, rivals).
//
// Run it with: sudo go test ./hardening (two minutes; -short leaves out what is
// slow). It needs Debian's busybox-static, and strace to stop and kill at a
// given call.
package hardening
