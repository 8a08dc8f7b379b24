package report

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/minictr/minictr/benchmark"
)

//go:embed page.html page.css
var files embed.FS

// Page is what the terminal and the HTML page show.
type Page struct {
	Title, Lead, Warning string
	Keys                 []Key
	Sections             []Section
	Facts                [][2]string // name and value: the computer, the targets, the method, failures
}

// Section is a question with its answer.
type Section struct {
	ID, Title string
	Note      string // beside each picture and table, if machines were emulated
	Strips    []*Strip
	Lines     []*Lines
	Bars      []Bar

	Caption string // of the table
	Head    []string
	Rows    [][]string
	From    string // where report.json has the figures
}

func (s *Section) addRow(name string, f benchmark.Facts, cells ...string) {
	s.Rows = append(s.Rows, append([]string{name, kindOf(f)}, cells...))
}

const emulation = "Software emulation: the machines marked “emulated” ran without KVM. " +
	"QEMU translates each of the guest's instructions. With KVM the CPU runs them itself: " +
	"work inside comes close to the host's, and machines start several times faster. " +
	"Disk stays as it is, and so does most of the memory."

// withKVM is what KVM would change, by section.
var withKVM = map[string]string{
	"start":  "they would start several times faster.",
	"cold":   "they would start several times faster.",
	"phases": "kernel, user space and ssh would take several times less.",
	"memory": "they would take nearly as much: " +
		"QEMU would not keep translated instructions, some 16 to 64 MiB for each.",
	"disk": "nothing would change here.",
	"work": "they would work nearly as fast as the host.",
}

func newPage(r *benchmark.Report) *Page {
	v := view{r}
	const title = "Containers and virtual machines, on this computer"
	p := &Page{Title: title, Lead: v.lead(), Keys: v.keys(), Facts: v.facts()}
	for _, t := range r.Targets {
		if t.Emulated {
			p.Warning = emulation
		}
	}
	for _, s := range [...]Section{v.starts(false), v.starts(true), v.phases(), v.memory(), v.disk(), v.work()} {
		if len(s.Rows) == 0 {
			continue
		}
		if p.Warning != "" {
			s.Note = "The machines are emulated. With KVM " + withKVM[s.ID]
		}
		p.Sections = append(p.Sections, s)
	}
	return p
}

// HTML writes the page.
func HTML(w io.Writer, r *benchmark.Report) error {
	t, err := template.New("page.html").Funcs(template.FuncMap{"published": published}).ParseFS(files, "page.*")
	if err != nil {
		return err
	}
	return t.Execute(w, newPage(r))
}

// Text writes the tables.
func Text(w io.Writer, r *benchmark.Report) error {
	p := newPage(r)
	fmt.Fprintf(w, "\n%s\n%s\n", p.Title, p.Lead)
	if p.Warning != "" {
		fmt.Fprintf(w, "\n%s\n", p.Warning)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range p.Sections {
		fmt.Fprintf(t, "\n== %s\n", s.Title)
		if s.Note != "" {
			fmt.Fprintln(t, s.Note)
		}
		for _, row := range append([][]string{s.Head}, s.Rows...) {
			fmt.Fprintln(t, strings.Join(row, "\t"))
		}
		fmt.Fprintf(t, "From report.json: %s.\n", s.From)
		t.Flush()
	}
	fmt.Fprint(t, "\n== What others have published\n")
	for _, p := range published() {
		fmt.Fprintln(t, strings.Join([]string{p.Project, p.Figure, p.What, p.URL}, "\t"))
	}
	fmt.Fprintln(t)
	for _, fact := range p.Facts {
		fmt.Fprintf(t, "%s: %s\n", fact[0], fact[1])
	}
	return t.Flush()
}
