package report

import (
	"slices"

	"github.com/minictr/minictr/benchmark"
)

// Strip is a picture with a row for each target, on one logarithmic scale:
// every measurement is a dot, the median is a line, and the interval in which
// the median lies is a bar.
type Strip struct {
	ID, Title, About string
	Ticks            []Tick
	Rows             []StripRow
	Reference        string // x of a value that all are compared with, or ""
	Height, Axis     int
}

// StripRow is a row. Y is where its text stands, Line where its dots lie.
type StripRow struct {
	Y, Line    int
	Name       string
	Class      string // of its colour: the kind, or "published"
	Label      string // the figure
	Dots       []Dot
	Median     string
	Top, Low   int       // of the median's line
	From, Wide string    // the interval, and how wide
	Growth     [2]string // from a hollow dot to a full one
	Single     bool
}

// Dot is one measurement.
type Dot struct {
	X, Title string
	Class    string // "outlier", or "hollow" for a value beside those that were measured
}

// Pixels: between rows, from a row's text to its dots, and below the last.
const (
	rowHeight = 46
	toDots    = 13
	toAxis    = 22
)

// mark is what a row is made of.
type mark struct {
	name, class, label string
	values             []float64
	hollow             []float64 // other values to show beside
	summary            benchmark.Summary
}

func strip(id, title, about string, marks []mark, unit, reference float64, write, onAxis func(float64) string) *Strip {
	var all []float64
	for _, m := range marks {
		all = append(append(all, m.values...), m.hollow...)
	}
	if reference > 0 {
		all = append(all, reference)
	}
	x := logScale(all, unit)
	s := &Strip{ID: id, Title: title, About: about, Ticks: x.decades(onAxis)}
	if reference > 0 {
		s.Reference = percent(x.at(reference))
	}
	for i, m := range marks {
		row := StripRow{Y: 16 + i*rowHeight, Line: 16 + i*rowHeight + toDots, Top: 16 + i*rowHeight + toDots - 7, Low: 16 + i*rowHeight + toDots + 7, Name: m.name, Class: m.class, Label: m.label}
		for _, v := range m.values {
			dot := Dot{percent(x.at(v)), m.name + ": " + write(v), ""}
			if slices.Contains(m.summary.Outliers, v) {
				dot.Title, dot.Class = dot.Title+", an outlier", "outlier"
			}
			row.Dots = append(row.Dots, dot)
		}
		for _, v := range m.hollow {
			row.Dots = append(row.Dots, Dot{percent(x.at(v)), m.name + ": " + write(v), "hollow"})
		}
		row.Single = len(m.values) == 1
		if row.Single && len(m.hollow) == 1 {
			row.Growth = [2]string{percent(x.at(m.hollow[0])), percent(x.at(m.values[0]))}
		}
		if m.summary.N > 1 {
			row.Median = percent(x.at(m.summary.Median))
			row.From = percent(x.at(m.summary.Low))
			row.Wide = percent(x.at(m.summary.High) - x.at(m.summary.Low))
		}
		s.Rows = append(s.Rows, row)
	}
	s.Axis = len(marks)*rowHeight + 8
	s.Height = s.Axis + toAxis
	return s
}
