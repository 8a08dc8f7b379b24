package report

import (
	"fmt"
	"math"
	"slices"
)

// scale maps values from low..high to coordinates from..to. Those of x are
// percentages: a picture has no width of its own.
type scale struct {
	low, high float64
	log       bool
	from, to  float64
}

// logScale covers all values, and begins and ends with a power of ten of units.
func logScale(values []float64, unit float64) scale {
	values = slices.DeleteFunc(values, func(v float64) bool { return !(v > 0) })
	if len(values) == 0 {
		values = []float64{unit, 10 * unit}
	}
	low := unit * math.Pow(10, math.Floor(math.Log10(slices.Min(values)/unit)))
	high := unit * math.Pow(10, math.Ceil(math.Log10(slices.Max(values)/unit)))
	if low == high {
		high *= 10
	}
	return scale{low, high, true, 1, 99}
}

func (s scale) at(v float64) float64 {
	f := (v - s.low) / (s.high - s.low)
	if s.log {
		f = math.Log(max(v, s.low)/s.low) / math.Log(s.high/s.low)
	}
	return s.from + f*(s.to-s.from)
}

func percent(v float64) string { return fmt.Sprintf("%.2f%%", v) }

// X returns the x coordinate of a value, Width the distance of two.
func (s scale) X(v float64) string        { return percent(s.at(v)) }
func (s scale) Width(a, b float64) string { return percent(s.at(b) - s.at(a)) }

// Tick is a mark on an axis.
type Tick struct {
	X, Label, Anchor string
	Y                float64
}

// decades returns a tick for each power of ten.
func (s scale) decades(label func(float64) string) (ticks []Tick) {
	for v := s.low; v <= s.high*1.001; v *= 10 {
		t := Tick{X: s.X(v), Label: trimZeros(label(v)), Anchor: "middle"}
		if s.at(v) < 6 {
			t.Anchor = "start"
		} else if s.at(v) > 94 {
			t.Anchor = "end"
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// steps returns round numbers of bytes from 0 to at least high: 1, 2 or 5 times
// a power of ten of a unit, at most six of them.
func steps(high float64) (list []float64) {
	unit := 1.0
	for high/unit >= 1024 {
		unit *= 1024
	}
	step := unit * math.Pow(10, math.Floor(math.Log10(high/unit/2)))
	for _, factor := range [...]float64{1, 2, 5, 10} {
		if high <= 5*step*factor {
			step *= factor
			break
		}
	}
	for v := 0.0; v < high+step; v += step {
		list = append(list, v)
	}
	return list
}
