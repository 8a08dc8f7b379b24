package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/runtime/plan"
)

// kinds are the kinds of namespaces, the outermost box first: a user namespace owns the others.
var kinds = [][2]string{
	{"CLONE_NEWUSER", "user"}, {"CLONE_NEWNS", "mount"}, {"CLONE_NEWPID", "pid"}, {"CLONE_NEWNET", "network"},
	{"CLONE_NEWUTS", "uts"}, {"CLONE_NEWIPC", "ipc"}, {"CLONE_NEWCGROUP", "cgroup"}, {"CLONE_NEWTIME", "time"},
}

// made returns the namespaces that steps first to last make or enter, with the number of the
// step. Those of a helper process are not the container's.
func (d *drawing) made(first, last int) (list []namespace) {
	for i := first; i <= last; i++ {
		s := &d.Plan.Steps[i]
		if s.Child == plan.Helper || !slices.Contains([]string{"clone3", "unshare", "setns"}, s.Name) {
			continue
		}
		call := s.Call()
		for _, k := range kinds {
			if strings.Contains(call, k[0]) { // none of these names is the beginning of another
				list = append(list, namespace{k[1], i + 1, s.Part})
			}
		}
	}
	return list
}

type namespace struct {
	kind string
	step int
	part string
}

// namespaces draws all namespaces as nested boxes.
func (d *drawing) namespaces() {
	list := d.made(0, len(d.Plan.Steps)-1)
	d.add("<section id=\"namespaces-figure\">\n<h2>Its namespaces</h2>\n")
	d.boxes(list)
	d.add("</section>\n")
}

// boxes draws namespaces, each in the one before, with the process in the innermost.
func (d *drawing) boxes(list []namespace) {
	order := func(n namespace) int {
		return slices.IndexFunc(kinds, func(k [2]string) bool { return k[1] == n.kind })
	}
	slices.SortStableFunc(list, func(a, b namespace) int { return cmp.Compare(order(a), order(b)) })
	d.add("<div class=\"box host\">the host")
	for _, n := range list {
		d.add("<div class=\"box\">%s <a href=\"#step-%d\">step %d</a>", n.kind, n.step, n.step)
	}
	d.add("<div class=\"process\">the container's process</div>")
	d.WriteString(strings.Repeat("</div>", len(list)+1) + "\n")
}

// layers draws the layers as a stack, the container's own on top.
func (d *drawing) layers() {
	if len(d.Layers) == 0 {
		return
	}
	d.add("<section id=\"layers\">\n<h2>Its layers</h2>\n<ol class=\"stack\" reversed>\n")
	d.add("<li class=\"own\"><b>what the container changes</b><span>read and written</span></li>\n")
	for _, l := range slices.Backward(d.Layers) {
		d.add("<li><code>%s</code><span>%s</span></li>\n", l.Name, units.HumanSize(float64(l.Size)))
	}
	d.add("</ol>\n</section>\n")
}

// durations draws where the time went: a bar for each part.
func (d *drawing) durations() {
	if d.Results == nil {
		return
	}
	spent := map[string]time.Duration{}
	var names []string
	sum := time.Duration(0)
	for i, s := range d.Plan.Steps {
		if spent[s.Part] == 0 && d.Results[i].Took > 0 {
			names = append(names, s.Part)
		}
		spent[s.Part] += d.Results[i].Took
		sum += d.Results[i].Took
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(spent[b], spent[a]) })
	d.add("<section id=\"time\">\n<h2>Where the time went</h2>\n<table>\n")
	for _, name := range names {
		share := fmt.Sprintf("%.1f%%", 100*float64(spent[name])/float64(sum))
		d.add("<tr><th scope=\"row\"><a href=\"#%s\">%s</a></th><td>%s</td><td>%s</td>"+
			"<td class=\"bar\"><i style=\"width:%s\"></i></td></tr>\n", name, name, duration(spent[name]), share, share)
	}
	d.add("</table>\n</section>\n")
}
