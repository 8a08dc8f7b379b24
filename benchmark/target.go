// Package benchmark contrasts containers with virtual machines: how long until
// the same small program answers, how much memory and disk it takes to keep it
// running, and how fast it works in there.
//
// Whatever can run that program, the workload, is a Target: a plain process, a
// container engine, a virtual machine. The rules that make them comparable:
//
//   - A start begins with the command that a person would type and ends with
//     the first byte of the workload's answer. Phases lie between the two, one
//     after the other, without a gap: their sum is the time of the start.
//   - What a person does once (downloads, loading an image, making a box) is
//     Prepare, and is not counted.
//   - Whatever has to live for the workload to live is counted as memory:
//     emulators, watchers, shims, daemons.
package benchmark

import (
	"context"
	"io"
	"syscall"
	"time"
)

// Kind of isolation.
type Kind string

const (
	Process   Kind = "process"   // none: a child of the benchmark
	Container Kind = "container" // namespaces and a cgroup of this kernel
	Machine   Kind = "machine"   // a kernel of its own
)

// A Target runs the workload in one way. All its methods but Close are called
// from one goroutine.
type Target interface {
	// Name is what stands in tables: "minictr run", "vagrant up". It is unique.
	Name() string
	Kind() Kind

	// Available is nil, or says in a few words why this target is left out:
	// "podman is not installed".
	Available() error

	// Version of the tool, after Available: "podman 4.3.1".
	Version() string

	// Emulated is whether software translates each of the guest's instructions,
	// as QEMU does without KVM.
	Emulated() bool

	// Prepare does what is not counted. What it makes lies in s.Scratch or
	// is removed by Close.
	Prepare(ctx context.Context, s Setup) error

	// Start starts one more instance and returns when the first byte of its
	// answer has come. Instances that were started before keep running.
	Start(ctx context.Context) (Instance, error)

	// Processes are those that serve all instances together: daemons. They are
	// given by their ids on the host.
	Processes() []int

	// Disk is how many bytes of disk (st_blocks, not st_size) everything takes
	// that the target keeps at this moment: the image or box, and what its
	// instances have added.
	Disk() (int64, error)

	// Close ends daemons and removes what Prepare has made. Instances have been
	// stopped before.
	Close() error
}

// An Explainer is a Target that can tell of which parts a start consists, at the
// price of a start that takes longer: those are kept apart from the others.
type Explainer interface {
	// Explain is errors.ErrUnsupported if it cannot be told.
	Explain(ctx context.Context) ([]Phase, error)
}

// A Sweeper is a Target of which something lives on if the benchmark is killed
// (kill -9): more than files in its scratch folder.
type Sweeper interface {
	// Sweep ends and removes what an earlier benchmark has left, whose scratch
	// folder was s.Scratch. The files in it stay.
	Sweep(ctx context.Context, s Setup) error
}

// Tied are the attributes of a process that does not outlive the benchmark, and
// does not hear the terminal's Ctrl-C, since it may be what cleans up.
func Tied() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// Setup is what a target gets to work with.
type Setup struct {
	Source   string // the folder of minictr's source: bin, scripts
	Minictr  string // the program
	Workload string // the static program, benchmark/workload, for this CPU
	Scratch  string // an empty folder for the target alone
	Log      io.Writer
}

// An Instance is a running workload that has answered.
type Instance interface {
	// Phases from the command to the first byte of the answer, in their order.
	Phases() []Phase

	// Answer of the workload.
	Answer() Answer

	// Processes on the host that serve this instance, and end with it. They are
	// looked up at each call.
	Processes() []int

	// Cgroup is the folder of the instance's own control group, or "".
	Cgroup() string

	// Run runs a program inside and hands its output over. The workload is
	// called Workload in each target: Run(ctx, out, Workload, "calls", "2").
	Run(ctx context.Context, stdout io.Writer, argv ...string) error

	// Stop ends the instance and removes it. It returns when nothing is left.
	Stop() error
}

// Workload is the path of the workload inside containers and machines. (A plain
// process is given another first argument.)
const Workload = "/bin/workload"

// A Phase is a part of a start.
type Phase struct {
	Name string        `json:"name"`
	Took time.Duration `json:"ns"`
}

// A Clock divides a start into phases.
type Clock struct {
	last   time.Time
	phases []Phase
}

// StartClock is called right before the command.
func StartClock() *Clock { return &Clock{last: time.Now()} }

// Mark ends a phase now.
func (c *Clock) Mark(phase string) { c.MarkAt(phase, time.Now()) }

// MarkAt ends a phase at a time that was noted earlier. Times that lie before
// the end of the last phase give an empty one.
func (c *Clock) MarkAt(phase string, t time.Time) {
	if t.Before(c.last) {
		t = c.last
	}
	c.phases = append(c.phases, Phase{phase, t.Sub(c.last)})
	c.last = t
}

// Phases until the last mark.
func (c *Clock) Phases() []Phase { return c.phases }
