package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/minictr/minictr/benchmark"
)

// Lines is a picture of memory against the number of instances, from zero up.
type Lines struct {
	ID, Title, About string
	X, Y             []Tick
	Series           []Series
	Height           int
}

// Series is a line, with its name at its end.
type Series struct {
	Name, Class string
	Points      []Point
	LabelY      float64
}

// Point is an end of a line; X1 is empty in the first.
type Point struct {
	X1, X, Title string
	Y1, Y        float64
}

// The plot's top and bottom, and the distance of two names, in pixels.
const (
	plotTop, plotBottom = 14, 260
	between             = 16
)

// curve is what a Series shows.
type curve struct {
	benchmark.Facts
	sizes []benchmark.Size
}

func newLines(id, title, about string, curves []curve) *Lines {
	// the axes
	high, counts := 1.0, []int{}
	for _, c := range curves {
		for _, s := range c.sizes {
			high, counts = max(high, float64(s.PSS)), append(counts, s.N)
		}
	}
	slices.Sort(counts)
	counts = slices.Compact(counts)
	ticks := steps(high)
	x := scale{0, float64(slices.Max(counts)), false, 11, 52}
	y := scale{0, ticks[len(ticks)-1], false, plotBottom, plotTop}
	l := &Lines{ID: "picture-" + id, Title: title, About: "memory against the number of instances" + about}
	for _, v := range ticks {
		l.Y = append(l.Y, Tick{Y: y.at(v), Label: trimZeros(size(v))})
	}
	for _, n := range counts {
		l.X = append(l.X, Tick{X: x.X(float64(n)), Label: strconv.Itoa(n)})
	}

	// the lines and their names
	var labels []float64
	for _, c := range curves {
		s := Series{Name: label(c.Facts, c.Name), Class: string(c.Kind)}
		var last Point
		for _, n := range c.sizes {
			title := fmt.Sprintf("%d of %s: %s", n.N, s.Name, size(n.PSS))
			last = Point{last.X, x.X(float64(n.N)), title, last.Y, y.at(float64(n.PSS))}
			s.Points = append(s.Points, last)
		}
		labels = append(labels, last.Y)
		l.Series = append(l.Series, s)
	}
	labels = spread(labels)
	for i := range l.Series {
		l.Series[i].LabelY = labels[i]
	}
	l.Height = int(math.Ceil(max(plotBottom, slices.Max(labels)))) + 40
	return l
}

// spread moves labels that would overlap apart, and keeps their order: from the
// bottom up, each at least a line above the one before, and then all down again
// where that has pushed them out of the picture.
func spread(heights []float64) []float64 {
	moved, order := slices.Clone(heights), make([]int, len(heights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(heights[b], heights[a]) })
	above := math.Inf(1)
	for _, i := range order {
		moved[i] = min(moved[i], above)
		above = moved[i] - between
	}
	below := float64(plotTop)
	for _, i := range slices.Backward(order) {
		moved[i] = max(moved[i], below)
		below = moved[i] + between
	}
	return moved
}
