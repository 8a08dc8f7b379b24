package page

import (
	"fmt"
	"time"
)

// lanes draws the two processes on the axis: each run of steps of one part and one process is
// a block.
func (d *drawing) lanes() {
	d.add("<section id=\"lanes\">\n<h2>Two processes</h2>\n")
	for _, host := range []bool{true, false} {
		name := "container"
		if host {
			name = "host"
		}
		d.add("<div class=\"lane %s\"><span>%s</span><div>\n", name, name)
		for _, p := range d.parts {
			for i := p.first; i <= p.last; {
				end := i
				for end < p.last && ofHost(d.Plan.Steps[end+1].Side) == ofHost(d.Plan.Steps[i].Side) {
					end++
				}
				if ofHost(d.Plan.Steps[i].Side) == host {
					d.block(p, i, end)
				}
				i = end + 1
			}
		}
		d.add("</div></div>\n")
	}
	d.axis()
	d.add("</section>\n")
}

// block draws steps first to last. Its name stands in it if there is room.
func (d *drawing) block(p part, first, last int) {
	const room = 7 // percent
	left, right := d.times.percent(d.times.began[first]), d.times.percent(d.times.ended[last])
	name := ""
	if right-left > room {
		name = p.id
	}
	what := fmt.Sprintf("%s, steps %d to %d", p.id, first+1, last+1)
	if d.Results != nil {
		what += ": " + duration(d.times.ended[last]-d.times.began[first])
	}
	d.add("<a href=\"#%s\" title=\"%s\" aria-label=\"%s\" style=\"left:%.3f%%;width:%.3f%%\">%s</a>\n",
		p.id, what, what, left, right-left, name)
}

// axis writes the scale below the lanes.
func (d *drawing) axis() {
	d.add("<div class=\"axis\">")
	for quarter := range 5 {
		if d.Results != nil {
			d.add("<span>%s</span>", duration(d.times.end*time.Duration(quarter)/4))
		} else {
			d.add("<span>%d</span>", 1+(len(d.Plan.Steps)-1)*quarter/4)
		}
	}
	d.add("</div>\n")
}
