package benchmark

import (
	"context"
	"io"
	"time"
)

// Kind of isolation.
type Kind string

const (
	Process   Kind = "process"   // none: a child of the benchmark
	Container Kind = "container" // namespaces and a cgroup of this kernel
	Machine   Kind = "machine"   // a kernel of its own
)

// Target runs the workload in one way. Its methods are called from one goroutine.
type Target interface {
	// Facts returns name and kind; after Prepare, also version and emulation.
	Facts() Facts

	// Available returns an error that says why the target cannot be measured:
	// "podman is not installed".
	Available() error

	// Prepare does what is not counted. What it makes is in s.Scratch, or is
	// removed by Close.
	Prepare(ctx context.Context, s Setup) error

	// Start starts one more instance, and returns when the first byte of its
	// answer is there. Earlier instances keep running.
	Start(ctx context.Context) (*Instance, error)

	// Processes returns the ids of those that serve all instances: daemons.
	Processes() []int

	// Disk returns how many bytes of disk (st_blocks, not st_size) the target
	// takes now: the image or box, and what its instances have added.
	Disk() (int64, error)

	// Close stops daemons and removes what Prepare has made, after all instances
	// have been stopped.
	Close() error
}

// Explainer is a Target that can divide a start into more phases. Such a start
// takes longer, and is kept apart from the others.
type Explainer interface {
	// Explain returns errors.ErrUnsupported if the phases are unknown.
	Explain(ctx context.Context) ([]Phase, error)
}

// Recoverer is a Target that leaves more than files in its scratch directory
// when the benchmark is killed.
type Recoverer interface {
	// Recover stops and removes what an earlier benchmark with the same s.Scratch
	// has left. Files in s.Scratch stay.
	Recover(ctx context.Context, s Setup) error
}

// Setup is what a target works with. Paths are absolute.
type Setup struct {
	Source   string // the directory of minictr's source: bin, scripts
	Minictr  string // the program
	Workload string // the static program, benchmark/workload, for this CPU
	Scratch  string // an empty directory for the target alone
	Log      io.Writer
}

// Instance is a running workload that has answered.
type Instance struct {
	Phases  []Phase // from the command to the first byte of the answer
	Answer  Answer
	Address string // where the workload answers: "unix:PATH" or "tcp:HOST:PORT"

	// Processes returns the ids, on the host, of those that serve this instance,
	// and end with it.
	Processes func() []int

	// Cgroup returns the directory of the instance's own cgroup, or "". It may be nil.
	Cgroup func() string

	// Stop ends the instance and removes it. It returns when nothing is left.
	Stop func() error
}

// Phase is a part of a start.
type Phase struct {
	Name string        `json:"name"`
	Took time.Duration `json:"ns"`
}

// Clock divides a start into phases.
type Clock struct {
	last   time.Time
	Phases []Phase // until the last mark
}

// StartClock is called right before the command.
func StartClock() *Clock { return &Clock{last: time.Now()} }

// Mark ends a phase. One that ends before the last has has a duration of 0.
func (c *Clock) Mark(phase string, end time.Time) {
	if end.Before(c.last) {
		end = c.last
	}
	c.Phases = append(c.Phases, Phase{phase, end.Sub(c.last)})
	c.last = end
}
