package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// Strip is a picture with a row for each target, on one logarithmic scale:
// a dot is a measurement, a line the median, a bar its confidence interval.
type Strip struct {
	ID, Title, About string
	Rows             []Row
	Reference        float64 // a value that all are compared with, or 0

	unit
	low, high float64 // the ends of the axis, powers of the unit's base
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
	all = slices.DeleteFunc(all, func(v float64) bool { return !(v > 0) })
	if len(all) == 0 {
		all = []float64{1}
	}
	exponent := func(v float64) float64 { return math.Log(v) / math.Log(u.base) }
	const exact = 1e-9 // less is an error of rounding
	low := math.Pow(u.base, math.Floor(exponent(slices.Min(all))+exact))
	high := max(math.Pow(u.base, math.Ceil(exponent(slices.Max(all))-exact)), low*u.base)
	return &Strip{"picture-" + id, title, about + ", on a logarithmic scale", rows, reference, u, low, high}
}

// at returns where a value lies, in percent of the width.
func (s *Strip) at(v float64) float64 {
	return 1 + 98*math.Log(max(v, s.low)/s.low)/math.Log(s.high/s.low)
}

// X returns the x coordinate of a value, Width the distance of two.
func (s *Strip) X(v float64) string        { return percent(s.at(v)) }
func (s *Strip) Width(a, b float64) string { return percent(s.at(b) - s.at(a)) }

// rowHeight in pixels.
const rowHeight = 46

// Y returns the top of row i, Axis the bottom of the last row, Height that of
// the picture with its axis, in pixels.
func (s *Strip) Y(i int) int { return i * rowHeight }
func (s *Strip) Axis() int   { return s.Y(len(s.Rows)) + 8 }
func (s *Strip) Height() int { return s.Axis() + 22 }

// Write returns a value with its unit.
func (s *Strip) Write(v float64) string { return s.write(v) }

// Tick is a mark on an axis, at a percentage of its length. Anchor is the side of
// the label that is there.
type Tick struct{ At, Label, Anchor string }

// Ticks returns one for each power of the base.
func (s *Strip) Ticks() (ticks []Tick) {
	for v := s.low; v <= s.high*1.001; v *= s.base {
		t := Tick{s.X(v), tick(s.write(v)), "middle"}
		if s.at(v) < 6 {
			t.Anchor = "start"
		} else if s.at(v) > 94 {
			t.Anchor = "end"
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// Lines is a picture of memory against the number of instances, from zero up.
type Lines struct {
	ID, Title, About string
	Curves           []Curve
	Counts           []int
	most             int   // instances
	high             int64 // bytes: a power of two, so that its quarters are round
}

// Curve is a line, with its name at its end.
type Curve struct {
	Kind   benchmark.Kind
	Label  string
	Sizes  []benchmark.Size
	LabelY float64
}

// plotTop and plotHeight of Lines, and the least distance of two names, in pixels.
const plotTop, plotHeight, between = 14, 246, 16

func newLines(id, title, about string, curves []Curve) *Lines {
	l := &Lines{ID: "picture-" + id, Title: title, About: "memory against the number of instances" + about, high: 4}
	last := func(c Curve) int64 { return c.Sizes[len(c.Sizes)-1].PSS }
	l.Curves = curves
	slices.SortStableFunc(l.Curves, func(a, b Curve) int { return cmp.Compare(last(b), last(a)) })
	for _, c := range l.Curves {
		for _, s := range c.Sizes {
			l.Counts, l.most = append(l.Counts, s.N), max(l.most, s.N)
			for l.high < s.PSS {
				l.high *= 2
			}
		}
	}
	slices.Sort(l.Counts)
	l.Counts = slices.Compact(l.Counts)

	// names from the top down, each at least a line below the one before
	above := math.Inf(-1)
	for i, c := range l.Curves {
		at := plotTop + plotHeight*(1-float64(last(c))/float64(l.high))
		above = max(at, above+between)
		l.Curves[i].LabelY = above
	}
	return l
}

// X and Y return where a number of instances and a size lie in the plot.
func (l *Lines) X(n int) string   { return percent(100 * float64(n) / float64(l.most)) }
func (l *Lines) Y(n int64) string { return percent(100 - 100*float64(n)/float64(l.high)) }

// Ticks returns those of the y axis.
func (l *Lines) Ticks() (ticks []Tick) {
	for quarter := range int64(5) {
		n := l.high / 4 * quarter
		ticks = append(ticks, Tick{At: l.Y(n), Label: tick(size(n))})
	}
	return ticks
}

// Height in pixels, with the axis below the plot.
func (l *Lines) Height() int {
	return int(max(plotTop+plotHeight, l.Curves[len(l.Curves)-1].LabelY)) + 40
}

// Bar is a start, cut into its phases. Each bar has the full width, whatever the
// start took: the parts are compared, not the whole.
type Bar struct {
	Name   string
	Facts  benchmark.Facts
	Phases []benchmark.Phase
}

func (b Bar) took() time.Duration { return benchmark.Start{Phases: b.Phases}.Took() }

// Total returns the duration of the start, Share the part of a phase.
func (b Bar) Total() string { return label(b.Facts, duration(b.took())) }

func (b Bar) Share(p benchmark.Phase) string { return share(float64(p.Took) / float64(b.took())) }
