// Core 3 of 28: a plan, and how two processes wait for each other

package plan

// Plan is the list.
type Plan struct {
	Steps []Step
	// Cgroup is the folder of the container's cgroup, "" for none. The step
	// that makes it is number made, from 0.
	Cgroup string
	MadeAt int
	// Warnings tell what the config asked for and does not get, where the spec
	// wants no error.
	Warnings []string
	// Verdict names the pipe into which the trampoline writes what failed.
	StartError Ref
	// Saves is true if the process waits until it is written down (Save).
	Saves bool
}

// MadeCgroup tells whether a walk that failed at step i had made the cgroup:
// one that was there before is somebody else's.
func (p *Plan) MadeCgroup(i int) bool { return p.Cgroup != "" && i > p.MadeAt }

// SyncPoint is what the child writes to Report. At all but Alive it then waits for
// the host to answer with the same.
type SyncPoint byte

const (
	Alive  SyncPoint = '.' // goes on; if nobody reads it, the parent is dead
	Hooks  SyncPoint = 'h' // namespaces and mounts are made, the pivot is next
	Listen SyncPoint = 'l' // the filter is loaded; the host may take its Listener
	Save   SyncPoint = 's' // its last steps are next; the host may write it down
)

// Names of descriptors that package walk is given, and of results that its
// caller asks for.
const (
	ReportWrite = Ref("report")       // close-on-exec pipe: its end is the news of execve or of death
	ReportRead  = Ref("report-read")  // the host's end of that pipe
	ResumeRead  = Ref("resume")       // pipe: the child waits here until the host has done its part
	ResumeWrite = Ref("resume-write") // the host's end of that pipe
	Pid         = Ref("pid")          // of the container's process, as the host sees it
	Pidfd       = Ref("pidfd")        // holds that process, whatever its number becomes
	Ptmx        = Ref("ptmx")         // the host's side of the container's terminal

	Start      = Ref("start")       // where a created container waits for a byte
	StartError = Ref("start-error") // and says why it could not start

	// Listener is the descriptor of a seccomp filter, by its number in the child.
	Listener = Ref("listener")
	// Init is a descriptor of a running container's first process (pidfd_open(2)).
	Init = Ref("init")
)

// Stdio are the names of the standard streams, by their numbers.
var Stdio = [3]Ref{"stdin", "stdout", "stderr"}
