// Core 3 of 28: a plan, and how two processes wait for each other
//
// Host and child make their steps at the same time. Where one needs what the other does
// first, it waits at a pipe:
//
//	report   The child writes a byte, the host reads it.
//	resume   The host answers with the same byte, the child reads it.
//
// A pipe also reports death: when the process at one end has died, a read at the other
// returns 0 bytes, and a write fails with EPIPE. And it reports success: each end that the
// child holds is close-on-exec, so that execve(2) closes it, and the host reads end of
// file. Nothing else is sent, but for the trampoline's error (walk/trampoline.go).

package plan

// Plan is a list of system calls.
type Plan struct {
	Steps []Step
	// Cgroup is the path of the container's cgroup, "" for none.
	Cgroup string
	// MadeAt is the index of the step that makes it.
	MadeAt int
	// Warnings are what the config asks for and the container does not get, where
	// the specification requires no error.
	Warnings []string
	// StartError is the pipe into which the trampoline, the program that makes the last
	// steps, writes which of them failed.
	StartError Ref
	// Saves is true if the process waits until the host has recorded it (Save).
	Saves bool
}

// MadeCgroup reports whether a walk that failed at step i had made the cgroup, and so has
// to remove it.
func (p *Plan) MadeCgroup(i int) bool { return p.Cgroup != "" && i > p.MadeAt }

// SyncPoint is a byte that the child writes to ReportWrite. At all but Alive it then
// waits until the host answers with the same. The host also writes Alive, unasked, when it
// has mapped the child's user ids.
type SyncPoint byte

const (
	Alive  SyncPoint = '.' // does not wait: the write fails with EPIPE if the parent has died
	Hooks  SyncPoint = 'h' // mounts are made; the host may run the hooks of the config
	Home   SyncPoint = 'e' // the root is complete; the host may look up the user's home directory
	Listen SyncPoint = 'l' // the seccomp filter is loaded; the host may take its Listener
	Save   SyncPoint = 's' // the last steps are next; the host may record the process
)

// Names of descriptors that package walk is given, and of results that its caller asks for.
const (
	ReportWrite = Ref("report")       // the child's end of the report pipe
	ReportRead  = Ref("report-read")  // the host's end
	ResumeRead  = Ref("resume")       // the child's end of the resume pipe
	ResumeWrite = Ref("resume-write") // the host's end
	Pid         = Ref("pid")          // the number of the container's process, on the host
	Pidfd       = Ref("pidfd")        // a descriptor of it (pidfd_open(2)): a number can be reused
	Ptmx        = Ref("ptmx")         // the host's end of the container's terminal
	Start       = Ref("start")        // the FIFO from which a created container reads a byte to start
	StartError  = Ref("start-error")  // the FIFO to which it then writes which step failed
	Listener    = Ref("listener")     // a seccomp filter's descriptor (compile/filter.go), in the child
	Init        = Ref("init")         // a pidfd of a running container's first process
	Root        = Ref("root")         // the mount that becomes the container's "/"
	LastSteps   = Ref("trampoline")   // a file in memory: the program that makes the last steps
)

// Stdio are the names of the standard streams, by their numbers.
var Stdio = [3]Ref{"stdin", "stdout", "stderr"}
