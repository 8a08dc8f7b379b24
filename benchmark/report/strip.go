package report

import (
	"slices"
	"strconv"

	"github.com/minictr/minictr/benchmark"
)

// Strip is a picture with a row for each target, on one logarithmic scale:
// a dot is a measurement, a line the median, a bar its confidence interval.
type Strip struct {
	scale
	unit
	ID, Title, About string
	Rows             []Row
	Reference        float64 // a value that all are compared with, or 0
}

// Row is a row of a Strip.
type Row struct {
	benchmark.Summary
	Name, Class, Label string // Class is that of its colour: the kind, or "published"
	Values             []float64
	Hollow             []float64 // other values to compare with
}

func newRow(f benchmark.Facts, write func(float64) string, values []float64, hollow ...float64) Row {
	sum := benchmark.Summarize(values)
	return Row{sum, f.Name, string(f.Kind), label(f, write(sum.Median)), values, hollow}
}

// IsOutlier reports whether a value is one of the outliers.
func (r Row) IsOutlier(v float64) bool { return slices.Contains(r.Outliers, v) }

func newStrip(id, title, about string, rows []Row, u unit, reference float64) *Strip {
	all := []float64{reference}
	for _, r := range rows {
		all = slices.Concat(all, r.Values, r.Hollow)
	}
	return &Strip{logScale(all, u.one), u, "picture-" + id, title, about + ", on a logarithmic scale", rows, reference}
}

// rowHeight in pixels.
const rowHeight = 46

// Y returns the top of row i, Axis the bottom of the last row, Height that of
// the picture with its axis, in pixels.
func (s *Strip) Y(i int) int { return i * rowHeight }
func (s *Strip) Axis() int   { return s.Y(len(s.Rows)) + 8 }
func (s *Strip) Height() int { return s.Axis() + 22 }

// Ticks of the axis.
func (s *Strip) Ticks() []Tick { return s.decades(s.onAxis) }

// Text returns a value with its unit.
func (s *Strip) Text(v float64) string { return s.text(v) }

// Bar is a start, cut into its phases. Each bar has the full width, whatever the
// start took: the parts are compared, not the whole.
type Bar struct {
	ID, Name, Class, Total string
	Pieces                 []Piece
}

// Piece is a phase.
type Piece struct{ Name, Took, Share, X, Width, Opacity string }

func newBar(n int, name string, f benchmark.Facts, phases []benchmark.Phase) Bar {
	total := float64(benchmark.Start{Phases: phases}.Took())
	b := Bar{ID: "phases-" + strconv.Itoa(n), Name: name, Class: string(f.Kind), Total: label(f, duration(total))}
	opacities := [...]string{"1", ".55", ".8", ".35", ".65", ".25", ".45"} // distinct beside each other
	at := 0.0
	for i, p := range phases {
		part := float64(p.Took) / total
		b.Pieces = append(b.Pieces, Piece{p.Name, duration(float64(p.Took)), share(part),
			percent(at * 100), percent(part * 100), opacities[i%len(opacities)]})
		at += part
	}
	return b
}
