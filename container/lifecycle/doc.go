// Package lifecycle has the commands that change a container: create, run, start,
// restart, stop, kill, pause, exec, attach, wait, rename, update, remove, prune and gc,
// and those that change a volume.
// Each takes the store's root and a container's name, its ID or a prefix of its ID, and
// adds to an error which command failed and for which container.
//
// It knows neither flags nor output formats of the command line, and makes no system
// call that starts a process: package runtime does.
//
// Rules for callers:
//
//   - Run and Exec end with the exit code of the container's process; an error beside it
//     says that the command failed. CleanupError and container.ExitError have their own
//     exit codes.
//   - A container that runs in the foreground belongs to the command that runs it, which
//     holds its lock. One that runs detached belongs to its monitor.
//   - Stop, Kill, Restart and Remove return when the exit status is recorded.
//
// Read create.go, save.go, name.go, plan.go, run.go, copy.go; then start.go, task.go, stop.go,
// kill.go, ignored.go, pause.go, restart.go, wait.go; then exec.go, attach.go,
// attachment.go; then rename.go, update.go, remove.go, prune.go, gc.go;
// then volume.go, volumesfrom.go.
package lifecycle
