// Core 3 of 28: a plan, and how two processes wait for each other

package plan

// Plan is the list of system calls that make one container.
type Plan struct {
	Steps []Step
	// Cgroup is the directory of the container's cgroup, "" for none; MadeAt is the
	// index of the step that makes it.
	Cgroup string
	MadeAt int
	// Warnings name what the config asks for and the container does not get, where the
	// OCI spec wants no error.
	Warnings []string
	// StartError names the pipe into which the trampoline writes a failed step.
	StartError Ref
	// Saves is true if the child waits until the host has recorded it (Save).
	Saves bool
}

// MadeCgroup reports whether a walk that failed at step i had made the cgroup. One that
// existed before is not the plan's to remove.
func (p *Plan) MadeCgroup(i int) bool { return p.Cgroup != "" && i > p.MadeAt }

// The host and its child wait for each other through two pipes. The child writes one
// byte into the report pipe, and reads one byte from the resume pipe. A pipe also tells
// each side that the other has died: read(2) then returns 0 bytes, and write(2) fails
// with EPIPE.

// SyncPoint is the byte that the child writes into the report pipe. At all but Alive it
// then waits until the host answers with the same byte.
type SyncPoint byte

const (
	Alive  SyncPoint = '.' // it does not wait: the write fails if the parent is dead
	Hooks  SyncPoint = 'h' // namespaces and mounts are made; the host runs hooks before the pivot
	Listen SyncPoint = 'l' // the seccomp filter is loaded; the host takes its Listener
	Save   SyncPoint = 's' // the last steps are next; the host records the process
)

// Names of descriptors that the caller gives to package walk, and of results that it
// asks for.
const (
	ReportWrite = Ref("report")       // pipe to the host; it closes at execve(2), or when the child dies
	ReportRead  = Ref("report-read")  // the host's end of that pipe
	ResumeRead  = Ref("resume")       // pipe on which the child waits for the host
	ResumeWrite = Ref("resume-write") // the host's end of that pipe
	Pid         = Ref("pid")          // of the container's process, in the host's pid namespace
	Pidfd       = Ref("pidfd")        // descriptor of that process: a pid can be given to another (pidfd_open(2))
	Ptmx        = Ref("ptmx")         // the host's end of the container's terminal

	Start      = Ref("start")       // pipe on which a created container waits for `start`
	StartError = Ref("start-error") // pipe into which it writes why it could not start

	// Listener is the descriptor of a seccomp filter, by its number in the child.
	Listener = Ref("listener")
	// Init is a descriptor of a running container's first process (pidfd_open(2)).
	Init = Ref("init")
)

// Stdio are the names of the standard streams, by their numbers.
var Stdio = [3]Ref{"stdin", "stdout", "stderr"}
