package stdio

import (
	"fmt"
	"os"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// The pipes are made before a plan is carried out, by this package, which copies through
// them. Their calls are steps of the plan all the same, so that it is the whole list.

// planPipe connects a stream to a pipe that is only planned.
func (s *Streams) planPipe(fd int, hostEnd *os.File, uid uint32) error {
	if err := refuseDir(hostEnd); err != nil {
		return err
	}
	shared := s.sharesPipe(fd, hostEnd)
	s.Connected[fd] = true
	if !shared {
		s.describePipe(fd, uid)
	}
	return nil
}

// describePipe adds the calls that make a pipe in front of a stream.
func (s *Streams) describePipe(fd int, uid uint32) {
	ends := "[%s, %[1]s-pipe]" // a process reads the first end, and writes the second (pipe(2))
	why := "the process gets a pipe for " + string(refs[fd]) + "; minictr copies"
	if fd > 0 {
		ends = "[%s-pipe, %[1]s]"
	}
	s.step(why, plan.Syscall("pipe2", unix.SYS_PIPE2, &plan.Mem{Text: fmt.Sprintf(ends, refs[fd])},
		plan.Named(unix.O_CLOEXEC, "O_CLOEXEC")))
	s.step("give it to the user of the process", fchown(refs[fd], uid))
}

func fchown(fd plan.Arg, uid uint32) plan.Step {
	return plan.Syscall("fchown", unix.SYS_FCHOWN, fd, plan.Int(uid), plan.Named(^uint32(0), "-1"))
}

func (s *Streams) step(why string, step plan.Step) {
	step.Side, step.Part, step.From, step.Why = plan.Caller, "streams", "process", why
	s.Steps = append(s.Steps, step)
}
