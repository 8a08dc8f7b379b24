package main

// run --explain=FILE.html and plan --html FILE: a plan as a page.

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/atomicfile"
	"github.com/minictr/minictr/page"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/urfave/cli/v2"
)

// explainPageFlag is explainFlag with a value that may be left out: --explain,
// --explain=FILE.html.
var explainPageFlag = optionalFlag{&cli.GenericFlag{
	Name: "explain", Value: new(optional),
	Usage: "print every system call with its reason, result and duration; with =FILE.html, write a page of them",
}}

type optionalFlag struct{ *cli.GenericFlag }

// TakesValue is false: the word after the flag is not its value.
func (optionalFlag) TakesValue() bool { return false }

// optional is the value of such a flag: "" without it, "true" where only the value is left out.
type optional string

func (o *optional) Set(text string) error { *o = optional(text); return nil }
func (o *optional) String() string        { return string(*o) }
func (o *optional) IsBoolFlag() bool      { return true }

// explainFile returns FILE of --explain=FILE, "" without one.
func explainFile(c *cli.Context) string {
	o, _ := c.Generic("explain").(*optional)
	if o == nil || *o == "true" || *o == "false" {
		return ""
	}
	return string(*o)
}

// explainRun returns the trace that --explain asks for, nil for none; and finish, which
// writes the page, if there is one to write, when the container has exited.
func explainRun(c *cli.Context) (trace func(*plan.Plan) walk.Trace, finish func() error, err error) {
	file := explainFile(c)
	switch {
	case file == "":
		return explain(c), func() error { return nil }, nil
	case !strings.HasSuffix(file, ".html"):
		return nil, nil, hint.New(fmt.Errorf("--explain=%s: not the name of a page", file), "--explain=FILE.html")
	}
	// the plan gives this thread another working directory (compile/root.go)
	if file, err = filepath.Abs(file); err != nil {
		return nil, nil, err
	}
	r := &recorder{title: title(c)}
	finish = func() error {
		if r.plan == nil {
			return nil // it failed before the first call
		}
		return savePage(&page.Page{Title: r.title, Plan: r.plan, Results: r.results, Layers: layersOf(c)}, file)
	}
	return r.begin, finish, nil
}

// recorder keeps the results of a plan. A plan that is carried out once more replaces the
// first (package runtime, links.go).
type recorder struct {
	title   string
	plan    *plan.Plan
	results []walk.Result
}

func (r *recorder) begin(p *plan.Plan) walk.Trace {
	r.plan, r.results = p, make([]walk.Result, len(p.Steps))
	return func(i int, result walk.Result) { r.results[i] = result }
}

// savePage writes a page to a file.
func savePage(p *page.Page, file string) error {
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		return err
	}
	return atomicfile.Write(file, b.Bytes(), 0o644, false)
}

// writePlanPage writes the page of a plan that is not carried out.
func writePlanPage(c *cli.Context, p *plan.Plan, file string) error {
	drawn := &page.Page{Title: title(c), Plan: p}
	if c.String("config") == "" {
		drawn.Layers = layersOf(c)
	}
	if file == "-" {
		return drawn.Write(os.Stdout)
	}
	return savePage(drawn, file)
}

// title is the command without its flags: minictr run demo sh.
func title(c *cli.Context) string {
	return strings.Join(slices.Concat([]string{"minictr", c.Command.Name}, c.Args().Slice()), " ")
}

// layersOf returns the layers of the image that the command names. A page without them is
// better than none.
func layersOf(c *cli.Context) (list []page.Layer) {
	s, err := lookAt(c, c.Args().First())
	if err != nil {
		return nil
	}
	defer s.Close()
	measures, err := s.Measures(c.Context)
	if err != nil {
		return nil
	}
	for i, m := range measures {
		name := s.Step(i + 1)
		if name == "" {
			name = short(m.DiffID.String(), false)
		}
		list = append(list, page.Layer{Name: name, Size: m.Unpacked})
	}
	return list
}
