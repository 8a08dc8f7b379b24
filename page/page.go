package page

import (
	_ "embed"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
)

// Page is what is drawn.
type Page struct {
	Title   string
	Plan    *plan.Plan
	Results []walk.Result // of each step, in their order; nil for a plan that was not carried out
	Layers  []Layer       // of the image, the lowest first
}

// Layer is a layer of an image.
type Layer struct {
	Name string // what made it
	Size int64  // in bytes
}

//go:embed style.css
var style string

// Write writes the page.
func (p *Page) Write(w io.Writer) error {
	d := &drawing{Page: p, parts: split(p.Plan), times: measure(p.Plan, p.Results)}
	d.head()
	d.lanes()
	d.namespaces()
	d.layers()
	d.durations()
	for i := range d.parts {
		d.section(&d.parts[i])
	}
	d.add("</main>\n</body>\n</html>\n")
	_, err := io.WriteString(w, d.String())
	return err
}

// drawing is a page while it is written.
type drawing struct {
	*Page
	strings.Builder
	parts []part
	times times
}

// part is a run of steps of one part of the plan.
type part struct {
	name, id    string // "attach"; the second run of it has the id "attach-2"
	first, last int    // the indexes of its steps; last is included
}

// split returns the runs of steps that have the same part.
func split(p *plan.Plan) (parts []part) {
	seen := map[string]int{}
	for i := range p.Steps {
		name := p.Steps[i].Part
		if n := len(parts); n > 0 && parts[n-1].name == name {
			parts[n-1].last = i
			continue
		}
		id := name
		if seen[name]++; seen[name] > 1 {
			id = fmt.Sprintf("%s-%d", name, seen[name])
		}
		parts = append(parts, part{name, id, i, i})
	}
	return parts
}

// add writes HTML: the arguments are text, and are escaped.
func (d *drawing) add(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = text(s)
		}
	}
	fmt.Fprintf(&d.Builder, format, args...)
}

func text(s string) string { return html.EscapeString(printable.String(s)) }

// head writes the beginning of the page, and the list of sections.
func (d *drawing) head() {
	d.add("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
	d.add("<title>%s</title>\n<style>\n", d.Title)
	d.WriteString(style)
	d.add("</style>\n</head>\n<body>\n<header>\n<h1>%s</h1>\n<p>%s</p>\n</header>\n", d.Title, d.summary())
	d.add("<nav aria-label=\"Sections\">\n")
	for _, p := range d.parts {
		d.add("<a href=\"#%s\">%s</a>\n", p.id, p.id)
	}
	d.add("</nav>\n<main>\n")
}

func (d *drawing) summary() string {
	count := map[bool]int{}
	for _, s := range d.Plan.Steps {
		count[ofHost(s.Side)]++
	}
	text := fmt.Sprintf("A container is a list of system calls. These are %d: %d made by the host's process, "+
		"%d by the process that becomes the container.", len(d.Plan.Steps), count[true], count[false])
	if d.Results != nil {
		text += fmt.Sprintf(" They took %s.", duration(d.times.end))
	}
	return text
}

// ofHost reports whether a step is drawn in the host's lane.
func ofHost(s plan.Side) bool { return s == plan.Host || s == plan.Caller }
