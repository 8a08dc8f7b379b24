// Package report shows a benchmark.Report: as tables in the terminal, and as
// one page of HTML with pictures.
//
// The page needs nothing but itself: no script, no font, no network. Its
// pictures are SVG whose x coordinates are percents, so that they fit a wide
// screen and a telephone with letters of the same size; beside each stands the
// table with the same figures. Colours come from two lists, for light and dark.
package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/minictr/minictr/benchmark"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// HTML writes the page.
func HTML(w io.Writer, r *benchmark.Report) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"css": func() template.CSS { return template.CSS(pageCSS) },
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	return t.Execute(w, page(r))
}

// Page is what both forms show.
type Page struct {
	Title, Lead, Warning string
	Keys                 []Key
	Sections             []Section
	Published            []Published
	System               [][2]string
	Left                 [][2]string // what is left out, or has failed, and why
}

// Key is one of the large figures at the top.
type Key struct {
	What, Small, Large          string // "4.2 ms", "29 s"
	SmallName, LargeName, Ratio string
}

// Section is a question and its answer.
type Section struct {
	ID, Title string
	Words     []string
	Note      string // stands at each picture and at the table, if machines were emulated
	Strips    []*Strip
	Lines     []*Lines
	Bars      []Bar
	Table     Table
	Published []Published
}

const emulation = "Software emulation: the machines marked “emulated” ran without KVM. QEMU translates each of the guest's instructions. " +
	"With KVM the CPU runs them itself: work inside comes close to the host's, and machines start several times faster. " +
	"Disk stays as it is, and so does most of the memory."

func page(r *benchmark.Report) *Page {
	v := view{r}
	p := &Page{Title: "Containers and virtual machines, on this computer", Lead: v.lead(), Keys: v.keys(), System: v.system(), Published: published()}
	for _, t := range r.Targets {
		if t.Emulated {
			p.Warning = emulation
		}
		if t.LeftOut != "" {
			p.Left = append(p.Left, [2]string{"left out: " + t.Name, brief(t.LeftOut)})
		}
	}
	p.Left = append(p.Left, failures(r.Failed)...)
	for _, s := range [...]Section{v.starts(false), v.starts(true), v.phases(), v.memory(), v.disk(), v.work()} {
		if len(s.Table.Rows) > 0 {
			if p.Warning != "" {
				s.Note = withKVM(s.ID)
			}
			p.Sections = append(p.Sections, s)
		}
	}
	return p
}

// withKVM is what would be different.
func withKVM(section string) string {
	const emulated = "The machines are emulated. With KVM "
	switch section {
	case "memory":
		return emulated + "they would take nearly as much: QEMU would not keep translated instructions, some 16 to 64 MiB for each."
	case "disk":
		return emulated + "nothing would change here."
	case "work":
		return emulated + "they would work nearly as fast as the host."
	case "phases":
		return emulated + "kernel, user space and ssh would take several times less."
	}
	return emulated + "they would start several times faster."
}

// failures of the same kind are told once, with the reason of the first.
func failures(list []benchmark.Failure) (rows [][2]string) {
	count, reason := map[string]int{}, map[string]string{}
	var order []string
	for _, f := range list {
		if count[f.What]++; count[f.What] == 1 {
			order, reason[f.What] = append(order, f.What), brief(f.Reason)
		}
	}
	for _, what := range order {
		rows = append(rows, [2]string{"failed: " + what, fmt.Sprintf("%d times, and not counted: %s", count[what], reason[what])})
	}
	return rows
}

// brief is an error in one line; all of it stands in report.json.
func brief(text string) string {
	const most = 300
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > most {
		return string(line[:most]) + "…"
	}
	return string(line)
}

func (v view) lead() string {
	how := "Median of many starts"
	if v.Options.Less() {
		how = "A quicker look, with fewer measurements than the method asks for"
	}
	return fmt.Sprintf("%s; %s, %s, cgroup %s. Measured on %s.", how, v.System.CPU, "Linux "+v.System.Kernel, v.System.Cgroup, v.Made.Format("2 January 2006"))
}
