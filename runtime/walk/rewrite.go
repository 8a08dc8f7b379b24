package walk

import (
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Rewrite replaces the last steps, those of side Trampoline, by the ones of p, which are the
// same calls with other arguments. Sync may call it, while the child has not executed the
// trampoline.
func (w *Walk) Rewrite(p *plan.Plan) error {
	program, err := trampoline(p, w.caller.FDs)
	if err != nil {
		return err
	}
	file, _ := w.Result(plan.LastSteps)
	if _, err := unix.Pwrite(file, program, 0); err != nil {
		return fmt.Errorf("write the trampoline: %w", err)
	}
	return nil
}
