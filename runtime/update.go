package runtime

import (
	"errors"
	goruntime "runtime"
	"slices"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
)

// Update changes the limits of a cgroup that has processes. If one cannot be set, those set
// before it are restored; the error is a [*walk.Error]. trace, if any, sees every system call.
func Update(c *cgroup.Change, trace func(*plan.Plan) walk.Trace) error {
	before, err := c.Present()
	if err != nil {
		return err
	}
	// systemd is told first: it writes the limits that it knows, and the plan the exact values
	if err = tellSystemd(c.Group, c.Files); err == nil {
		err = applyChange(c, trace)
	}
	if err != nil {
		return errors.Join(err, tellSystemd(c.Group, before.Files), restore(before))
	}
	return nil
}

func applyChange(c *cgroup.Change, trace func(*plan.Plan) walk.Trace) error {
	p, err := compile.Update(c)
	if err != nil {
		return err
	}
	caller := walk.Caller{}
	if trace != nil {
		caller.Trace = trace(p)
	}
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	w, err := walk.Host(p, caller)
	if err != nil {
		return err
	}
	w.Close()
	return nil
}

// restore sets the values that are no longer those of before.
func restore(before *cgroup.Change) error {
	now, err := before.Present()
	if err != nil {
		return err
	}
	before.Files = slices.DeleteFunc(before.Files, func(f cgroup.File) bool { return slices.Contains(now.Files, f) })
	if len(before.Files) == 0 {
		return nil
	}
	return applyChange(before, nil)
}
