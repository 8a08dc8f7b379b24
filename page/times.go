package page

import (
	"fmt"
	"time"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
)

// times are the moments at which each step began and ended. The unit is time, or, for a plan
// that was not carried out, a step.
type times struct {
	began, ended []time.Duration
	end          time.Duration
}

// measure adds up the durations of each side. A process begins when the call that makes it
// returns.
func measure(p *plan.Plan, results []walk.Result) (t times) {
	var at [plan.Sides]time.Duration
	for i := range p.Steps {
		s := &p.Steps[i]
		began, took := at[s.Side], time.Duration(1)
		if results == nil {
			began = t.end
		} else {
			took = results[i].Took
		}
		at[s.Side] = began + took
		t.began, t.ended = append(t.began, began), append(t.ended, began+took)
		if s.Child != plan.Host {
			at[s.Child] = began + took
		}
		t.end = max(t.end, began+took)
	}
	return t
}

// percent returns the place of a moment on the axis.
func (t *times) percent(at time.Duration) float64 {
	if t.end == 0 {
		return 0
	}
	return 100 * float64(at) / float64(t.end)
}

// duration returns text such as "1.25 ms" or "830 µs".
func duration(d time.Duration) string {
	if d < time.Millisecond {
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	}
	return fmt.Sprintf("%.2f ms", float64(d)/1e6)
}
