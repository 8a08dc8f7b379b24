package page

import (
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// section draws a part of the plan: what it is for, the namespaces that it makes, its steps.
func (d *drawing) section(p *part) {
	d.add("<section class=\"part\" id=\"%s\">\n<h2><a href=\"#%s\">%s</a>: %s</h2>\n",
		p.id, p.id, p.id, plan.About(p.name))
	if list := d.made(p.first, p.last); len(list) > 0 {
		d.boxes(d.made(0, p.last))
	}
	for i := p.first; i <= p.last; i++ {
		d.step(i)
	}
	d.add("</section>\n")
}

// step draws a step in the lane of its process.
func (d *drawing) step(i int) {
	s := &d.Plan.Steps[i]
	lane := "container"
	if ofHost(s.Side) {
		lane = "host"
	}
	d.add("<div class=\"step %s\" id=\"step-%d\"><p><b>%d</b> <em>%s</em> <code>%s</code>",
		lane, i+1, i+1, s.Side.String(), s.Call())
	if d.Results != nil {
		d.add(" <span>%s</span>", d.result(i))
	}
	d.add("</p><p>%s</p>", s.Why)
	if details := d.details(s); len(details) > 0 {
		d.add("<details><summary>details</summary><dl>")
		for _, row := range details {
			d.add("<dt>%s</dt><dd><code>%s</code></dd>", row[0], row[1])
		}
		d.add("</dl></details>")
	}
	d.add("</div>\n")
}

// details returns what the line of a step does not say: when it is made, the field of the config that asks
// for it, and arguments that are cut there.
func (d *drawing) details(s *plan.Step) (rows [][2]string) {
	if s.If != "" {
		rows = append(rows, [2]string{"made only if", s.If.String() + " exists"})
	}
	if s.Unless != "" {
		rows = append(rows, [2]string{"made only if", s.Unless.String() + " does not exist"})
	}
	if s.From != "" {
		rows = append(rows, [2]string{"asked for by", s.From})
	}
	for _, e := range s.Accept {
		rows = append(rows, [2]string{"as good as success", unix.ErrnoName(e)})
	}
	for i, a := range s.Args {
		if list, ok := a.(plan.Strs); ok {
			rows = append(rows, [2]string{fmt.Sprintf("argument %d", i+1), list.String()})
		}
	}
	return rows
}

// result returns a result as strace(1) prints it, and the duration.
func (d *drawing) result(i int) string {
	r := d.Results[i]
	switch {
	case !r.Made && d.Plan.Steps[i].Name == "execve":
		return "does not return"
	case !r.Made:
		return "left out"
	}
	return r.String() + ", " + duration(r.Took)
}
