// Package monitor is the parent process of a detached container.
//
// Each detached container has a monitor: its parent process, which waits for it
// (wait(2)) and copies its output to the log. It also starts the health checks, and
// restarts the container. There is no daemon.
//
// While there is something to decide the monitor is minictr itself (minictr monitor).
// While it only waits it executes a table of system calls (package runtime/table), which
// needs a few pages of memory; the table executes minictr again when the container
// exits. The process ID, the children and the descriptors survive execve(2).
//
//	           mmap, prctl
//	wait ────▶ ppoll                  until something happens
//	            ├ the container exited  execveat minictr monitor --ended
//	            ├ the timer             clone, and in the child execveat minictr health
//	            ├ standard error        read ─┐
//	            └ standard output       read ─┴▶ writev to the log
//
// The log's format and file names are those of package container/logs. A log that has
// reached its maximum is renamed, and a new one is begun. No error of the log stops the
// container: frames that do not fit on the disk are dropped.
//
// The package does not know how a container is created, nor the verbs of the command
// line. Rules for callers:
//
//   - Start is for the command that starts a container. Run, Ended, Restart and
//     CheckHealth are for the processes that it causes: minictr monitor and minictr health.
//   - Run and Restart need the process's main thread: the other threads do not survive
//     execve(2), and the parent death signal (prctl(2)) kills the container when the
//     thread that cloned it exits.
//   - The monitor holds the container's lock in descriptor 66, so that another process
//     gets the lock only if there is no monitor.
//
// Read start.go, report.go, monitor.go, streams.go, signals.go, ended.go; then table.go,
// list.go, program.go; then health.go and probe.go.
package monitor
