package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/urfave/cli/v2"
)

var explainFlag = &cli.BoolFlag{
	Name:  "explain",
	Usage: "print every system call with its reason, result and duration",
}

// explain returns what --explain asks for: a trace for each plan that is carried out. It is
// nil without the flag.
func explain(c *cli.Context) func(*plan.Plan) walk.Trace {
	if !c.Bool("explain") {
		return nil
	}
	return func(p *plan.Plan) walk.Trace {
		style := plan.Style{Color: stdio.IsTerminal(os.Stderr)}
		return (&explainer{plan: p, style: style, spent: map[string]time.Duration{}}).step
	}
}

// explainer prints the steps of a plan as they are carried out, on standard error:
// standard output is the program's.
type explainer struct {
	plan  *plan.Plan
	style plan.Style
	part  string
	made  int  // system calls
	over  bool // the last step was made, or one failed
	total time.Duration
	spent map[string]time.Duration // by part
	parts []string                 // in order
}

// step prints step i, with a headline before a new part, and the sum after the last.
func (e *explainer) step(i int, r walk.Result) {
	if e.over {
		return
	}
	// A step that failed ends the plan, unless it accepts the error.
	s := &e.plan.Steps[i]
	e.over = r.Errno != 0 && !slices.Contains(s.Accept, r.Errno) || i == len(e.plan.Steps)-1

	// The headline.
	var b strings.Builder
	if s.Part != e.part {
		e.part = s.Part
		b.WriteString(e.style.Headline(e.part))
		if !slices.Contains(e.parts, e.part) {
			e.parts = append(e.parts, e.part)
		}
	}

	// The duration. execve does not return: it has none.
	took := "   left out"
	if r.Made {
		e.made++
		e.total += r.Took
		e.spent[e.part] += r.Took
		took = fmt.Sprintf("%8.1f µs", float64(r.Took.Nanoseconds())/1e3)
	}
	if s.Name == "execve" && !r.Made {
		took = "           "
	}
	fmt.Fprintf(&b, "%s %-14s%s", took, r.String(), e.plan.Line(i, e.style))
	os.Stderr.WriteString(b.String())
	if e.over {
		e.sum()
	}
}

// sum prints the time of all calls, and that of each part.
func (e *explainer) sum() {
	fmt.Fprintf(os.Stderr, "\n%d of %d system calls, %.2f ms; by part:\n", e.made, len(e.plan.Steps), ms(e.total))
	slices.SortStableFunc(e.parts, func(a, b string) int { return cmp.Compare(e.spent[b], e.spent[a]) })
	for _, part := range e.parts {
		if d := e.spent[part]; d > 0 {
			fmt.Fprintf(os.Stderr, "%8.2f ms  %3.0f%%  %s\n", ms(d), 100*float64(d)/float64(e.total), part)
		}
	}
	fmt.Fprintln(os.Stderr)
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
