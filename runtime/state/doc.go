// Package state keeps containers in directories, and asks the kernel for their
// status.
//
// A container is a directory, <root>/<id>, of mode 0700:
//
//	config.json  the config at the time of create; later changes to the bundle
//	             have no effect
//	state.json   the Record: process, cgroup, bundle
//	cgroup       the cgroup that create is about to make (ExpectCgroup)
//	go           a FIFO, if the container waits for start: its process holds it
//	             open until start writes to it
//	report       a FIFO: the results of the process's last steps, for start
//	freeze.lock  locked while the cgroup is frozen or thawed (FreezeLock)
//
// How is the status known? It is read from the kernel by each command (Status).
//
// Create makes the directory as ".creating.<id>" and renames it to <id>: at that
// moment the container exists. Delete renames it to ".removed.<id>" first. A
// command that makes, changes or removes a container holds an exclusive lock on
// its directory (package lockfile), which the kernel releases when the command
// dies. So a directory with a leading dot and without a lock was left by a
// command that was killed; every command first removes such leftovers
// (recover.go). Readers take no lock.
//
// Reading order: dir.go (the directory), record.go (its contents), process.go (a
// process that can be found again), status.go, freezelock.go, recover.go (what a
// kill -9 left), name.go.
package state
