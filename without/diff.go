package without

import (
	"fmt"
	"io"
	"strings"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime/plan"
)

const red, green, plain = "\x1b[31m", "\x1b[32m", "\x1b[0m"

// Compared returns the parts of the plan that Diff compares with: no part is left out, on the
// same outer host, so that the part alone makes the difference. A container with a user
// namespace of its own has no outer host.
func Compared(o *config.Options) []string {
	if isUserns(o) {
		return nil
	}
	return Set{none}
}

// Diff prints how a plan differs from another, before: the calls that go begin with -, those that
// come with +, below a headline for each part of the plan. Numbers are those of the plan that
// has the call.
func Diff(w io.Writer, before, after *plan.Plan, style plan.Style) error {
	d := &differ{style: style}
	common := commonSteps(before.Steps, after.Steps)
	i, k := 0, 0
	for _, c := range append(common, [2]int{len(before.Steps), len(after.Steps)}) {
		for ; i < c[0]; i++ {
			d.gone++
			d.print("-", red, before, i)
		}
		for ; k < c[1]; k++ {
			d.come++
			d.print("+", green, after, k)
		}
		i, k = c[0]+1, c[1]+1
	}
	fmt.Fprintf(&d.text, "\ncalls: %d go, %d come, %d stay\n", d.gone, d.come, len(common))
	_, err := io.WriteString(w, d.text.String())
	return err
}

type differ struct {
	style      plan.Style
	text       strings.Builder
	part       string
	gone, come int
}

// print prints step i of a plan, and the headline of its part.
func (d *differ) print(sign, color string, p *plan.Plan, i int) {
	if part := p.Steps[i].Part; part != d.part {
		d.part = part
		d.text.WriteString(d.style.Headline(part))
	}
	for line := range strings.Lines(p.Line(i, plan.Style{})) {
		line = sign + strings.TrimSuffix(line, "\n")
		if d.style.Color {
			line = color + line + plain
		}
		d.text.WriteString(line + "\n")
	}
}

// commonSteps returns the longest list of steps that both plans have, in order: their indexes in
// each.
func commonSteps(a, b []plan.Step) (common [][2]int) {
	// length[i][k] is the length of the longest list of a[i:] and b[k:]
	length := make([][]int, len(a)+1)
	length[len(a)] = make([]int, len(b)+1)
	x, y := texts(a), texts(b)
	for i := len(a) - 1; i >= 0; i-- {
		length[i] = make([]int, len(b)+1)
		for k := len(b) - 1; k >= 0; k-- {
			if x[i] == y[k] {
				length[i][k] = 1 + length[i+1][k+1]
			} else {
				length[i][k] = max(length[i+1][k], length[i][k+1])
			}
		}
	}
	// the way through it
	for i, k := 0, 0; i < len(a) && k < len(b); {
		switch {
		case x[i] == y[k]:
			common = append(common, [2]int{i, k})
			i, k = i+1, k+1
		case length[i+1][k] >= length[i][k+1]:
			i++
		default:
			k++
		}
	}
	return common
}

// texts returns what is compared of each step.
func texts(steps []plan.Step) []string {
	list := make([]string, len(steps))
	for i := range steps {
		s := &steps[i]
		list[i] = fmt.Sprint(s.Part, s.Side, s.If, s.Unless, s.Call(), s.Why)
	}
	return list
}
