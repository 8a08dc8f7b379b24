package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Lines is a picture of values against a number of instances, from zero up.
type Lines struct {
	ID, Title, About string
	X, Y             []Tick
	Series           []Series
	Left, Right      string // where the plot begins and ends
	LabelX           string
	Bottom, Height   int
}

// Series is a line, with its name at its end.
type Series struct {
	Name, Class string
	Segments    []Segment
	Dots        []Point
	LabelY      float64
}

type Point struct {
	X     string
	Y     float64
	Title string
}

type Segment struct {
	X1, X2 string
	Y1, Y2 float64
}

// Pixels: the plot's top and bottom, and between two names.
const (
	plotTop, plotBottom = 14, 260
	between             = 16
)

// curve is what a series is made of.
type curve struct {
	name, class string
	x, y        []float64
}

func lines(id, title, about string, curves []curve) *Lines {
	var high, n float64
	for _, c := range curves {
		high, n = max(high, slices.Max(c.y)), max(n, slices.Max(c.x))
	}
	ticks := steps(max(high, 1))
	x := scale{0, n, false, 11, 52}
	y := scale{0, ticks[len(ticks)-1], false, plotBottom, plotTop}
	l := &Lines{ID: id, Title: title, About: about, Left: "11%", Right: "52%", LabelX: "54%", Bottom: plotBottom}
	for _, v := range ticks {
		l.Y = append(l.Y, Tick{Y: y.at(v), Label: plain(size(v))})
	}
	for _, v := range counts(curves) {
		l.X = append(l.X, Tick{X: percent(x.at(v)), Label: strconv.Itoa(int(v)), Anchor: "middle"})
	}
	for _, c := range curves {
		s := Series{Name: c.name, Class: c.class}
		for i := range c.x {
			p := Point{percent(x.at(c.x[i])), y.at(c.y[i]), fmt.Sprintf("%d of %s: %s", int(c.x[i]), c.name, size(c.y[i]))}
			if i > 0 {
				last := s.Dots[i-1]
				s.Segments = append(s.Segments, Segment{last.X, p.X, last.Y, p.Y})
			}
			s.Dots = append(s.Dots, p)
		}
		s.LabelY = s.Dots[len(s.Dots)-1].Y
		l.Series = append(l.Series, s)
	}
	spread(l.Series)
	lowest := float64(plotBottom)
	for _, s := range l.Series {
		lowest = max(lowest, s.LabelY)
	}
	l.Height = int(math.Ceil(lowest)) + 40
	return l
}

// counts are the numbers of instances that were measured.
func counts(curves []curve) (all []float64) {
	for _, c := range curves {
		all = append(all, c.x...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// spread moves names that would lie on each other apart, and keeps their order:
// from the bottom up, each at least a line above the one before, and then all
// down again where that has pushed them out of the picture.
func spread(series []Series) {
	order := make([]*Series, len(series))
	for i := range series {
		order[i] = &series[i]
	}
	slices.SortStableFunc(order, func(a, b *Series) int { return int(math.Copysign(1, b.LabelY-a.LabelY)) })
	for i := 1; i < len(order); i++ {
		order[i].LabelY = min(order[i].LabelY, order[i-1].LabelY-between)
	}
	if len(order) > 0 {
		if over := plotTop - order[len(order)-1].LabelY; over > 0 {
			order[len(order)-1].LabelY += over
		}
	}
	for i := len(order) - 2; i >= 0; i-- {
		order[i].LabelY = max(order[i].LabelY, order[i+1].LabelY+between)
	}
}
