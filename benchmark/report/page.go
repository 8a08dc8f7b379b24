package report

import (
	"embed"
	"encoding/json"
	html "html/template"
	"io"
	"strings"
	"text/tabwriter"
	"text/template"
	"time"

	"github.com/minictr/minictr/benchmark"
)

//go:embed page.html page.css report.txt published.json
var files embed.FS

// Page is what the terminal and the HTML page show.
type Page struct {
	view
	Published            []published
	Title, Lead, Warning string
	Sections             []Section
	Facts                [][2]string // name and value: the computer, the targets, the method, failures
}

// published is a figure that others have measured, on other computers and in
// other ways: to compare orders of magnitude.
type published struct {
	Project, Figure, What, Source, URL string
	NS                                 float64 // 0 if it is not a time
}

// Section is a question with its answer.
type Section struct {
	ID, Title string
	Note      string // beside each picture and table, if machines were emulated: what KVM would change
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

// funcs are those of both templates.
var funcs = map[string]any{"size": size[int64], "kind": kindOf, "brief": brief, "duration": duration[time.Duration],
	"kib": func(n int) string { return size(int64(n) << 10) }}

var texts = template.Must(template.New("report.txt").Funcs(funcs).ParseFS(files, "report.txt"))

// say executes one of the texts that both forms share.
func say(name string, data any) string {
	var b strings.Builder
	if err := texts.ExecuteTemplate(&b, name, data); err != nil {
		panic(err) // the tests execute all of them
	}
	return b.String()
}

func newPage(r *benchmark.Report) (*Page, error) {
	v := view{Report: r}
	p := &Page{view: v, Title: "Containers and virtual machines, on this computer", Lead: say("lead", v)}
	data, err := files.ReadFile("published.json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &p.Published); err != nil {
		return nil, err
	}
	if v.emulated() {
		p.Warning = say("emulation", nil)
	}
	warm, cold := v.starts(false, p.Published), v.starts(true, nil)
	for _, s := range [...]Section{warm, cold, v.phases(), v.memory(), v.disk(), v.work()} {
		if len(s.Rows) == 0 {
			continue
		}
		s.Note = "The machines are emulated. With KVM " + s.Note
		if p.Warning == "" {
			s.Note = ""
		}
		p.Sections = append(p.Sections, s)
	}
	for line := range strings.Lines(say("facts", v)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		p.Facts = append(p.Facts, [2]string{name, value})
	}
	return p, nil
}

// HTML writes the page.
func HTML(w io.Writer, r *benchmark.Report) error {
	p, err := newPage(r)
	if err != nil {
		return err
	}
	t, err := html.New("page.html").Funcs(funcs).ParseFS(files, "page.*")
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

// Text writes the tables.
func Text(w io.Writer, r *benchmark.Report) error {
	p, err := newPage(r)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if err := texts.ExecuteTemplate(t, "text", p); err != nil {
		return err
	}
	return t.Flush()
}
