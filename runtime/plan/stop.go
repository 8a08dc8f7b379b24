// A plan with stops
//
// `minictr run --step` stops between the calls. The host's process can wait without a call
// of the plan. The container's process runs no code but the plan's: there a stop is two steps,
// which compile/stops.go inserts. It writes Stop to ReportWrite, and reads the answer from a
// pipe of its own, so that a stop may be between the two steps of another sync point.

package plan

// Stop is the sync point of a stop: the reader of the plan lets the process continue.
const Stop SyncPoint = '|'

// The pipe on which the child waits at a stop.
const (
	StepRead  = Ref("step")       // the child's end
	StepWrite = Ref("step-write") // the host's end
)

// FromStop is Step.From of the steps that are a stop.
const FromStop = "--step"

// IsStop reports whether the step is one of the two of a stop.
func (s *Step) IsStop() bool { return s.From == FromStop }

// Answer is the pipe to which the host writes its answer.
func (at SyncPoint) Answer() Ref {
	if at == Stop {
		return StepWrite
	}
	return ResumeWrite
}
