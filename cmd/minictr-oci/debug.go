package main

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
)

// The phases of a start in the debug log, in the words of runc: its users look for them.
const (
	phaseSetup = "nsexec container setup"                      // before the first system call
	phaseChild = "child process in init()"                     // the container's process makes its first
	phaseRun   = "init: closing the pipe to signal completion" // it executes the program of create or run
	phaseExec  = "setns_init: about to exec"                   // it executes the program of exec
)

// debugSteps returns what --debug asks for: a trace that logs the phases of a start, and
// each system call with its result and the field of the config that asks for it. last is
// the phase that executes the program. The flags of seccomp(2) are a number too, as in runc's
// log. It is nil without the flag.
func (j *journal) debugSteps(last string) func(*plan.Plan) walk.Trace {
	if !j.verbose {
		return nil
	}
	return func(p *plan.Plan) walk.Trace {
		j.debug(phaseSetup)
		inChild, over := false, false
		return func(i int, r walk.Result) {
			s := &p.Steps[i]
			if s.Side == plan.Container && !inChild {
				inChild = true
				j.debug(phaseChild)
			}
			if s.Name == "execve" && !over {
				over = true
				j.debug("%s", last)
			}
			if s.Name == "seccomp" {
				j.debug("seccomp filter flags: %d", s.Args[1].(plan.Num).Value)
			}
			if r.Made {
				j.debug("%s: %s %s (%s)", s.Side, s.Call(), r, s.From)
			}
		}
	}
}
