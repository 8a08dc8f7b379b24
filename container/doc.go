// Package container is one container on disk: its directory, its lock, its task, its
// exit status, and the recovery of what a killed command left.
//
// A container is the directory containers/ID in the store:
//
//	image          digest of the image's manifest; its presence makes the directory a container
//	settings.json  what was decided when it was created (config.Settings)
//	config.json    its OCI config
//	upper, work    the writable layer, and overlayfs's scratch directory
//	hostname, hosts, resolv.conf
//	               mounted over the files of that name in /etc
//	task           the runtime's state of its process, while there is one
//	.minictr       the mark that task is minictr's (package owned)
//	exit.json      how its last task exited
//	health.json    what its health checks found
//	monitor        the process that is its monitor (package container/monitor)
//	log, log.1     the output of a detached container (package container/logs)
//	restarting     exists while the monitor waits before a restart
//	stopped        symbolic link to the number of the signal that stopped it
//	keepvolumes    exists once it is being removed, and its anonymous volumes are to stay
//	remove         exists once a container of --rm is not to survive
//	waiters        locked by each command that waits for the exit
//
// How is the status known? It is read from the kernel by each command: no file says
// "running". The lock of the directory (flock(2)) belongs to the process that runs the
// container: its monitor, or the command in the foreground. A directory whose lock is
// free, and that still has a task, was left by a killed process; the next command
// recovers it.
//
// The package does not know images' files, log formats or the verbs of the command
// line. Rules for callers:
//
//   - Find and List recover first, so what they return is true of the kernel.
//   - A method that changes a container says which lock its caller must hold. The lock
//     is Container.Lock, unless the method names another one.
//   - The exit status is saved before the task is deleted, and read after it.
//   - What changes a container, or sees it change, tells the store's journal (Event).
//
// Read find.go, files.go, lock.go, dir.go, id.go, initlayer.go, names.go; then task.go,
// state.go, exit.go, health.go; then volumes.go, makevolumes.go; then monitor.go, restart.go,
// wait.go, event.go, recover.go; errors.go when an error's meaning matters.
package container
