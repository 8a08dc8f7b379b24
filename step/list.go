package step

import (
	"fmt"
	"io"

	"github.com/minictr/minictr/runtime/plan"
)

// list prints the steps of a plan.
type list struct {
	out      io.Writer
	plan     *plan.Plan
	style    plan.Style
	sections []int // of each step, the number of its section
	headed   int   // the section with the last headline
}

func newList(out io.Writer, p *plan.Plan, color bool) *list {
	l := &list{out, p, plan.Style{Color: color}, make([]int, len(p.Steps)), -1}
	for i := 1; i < len(p.Steps); i++ {
		l.sections[i] = l.sections[i-1]
		if p.Steps[i].Part != p.Steps[i-1].Part {
			l.sections[i]++
		}
	}
	return l
}

// print prints the steps from one to before another, but for those that are a stop, with a
// headline above each section.
func (l *list) print(from, to int) {
	for i := from; i < to; i++ {
		if l.plan.Steps[i].IsStop() {
			continue
		}
		if l.headed != l.sections[i] {
			l.headed = l.sections[i]
			fmt.Fprint(l.out, l.style.Headline(l.plan.Steps[i].Part))
		}
		fmt.Fprint(l.out, l.plan.Line(i, l.style))
	}
}
