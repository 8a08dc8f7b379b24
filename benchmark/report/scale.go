package report

import (
	"fmt"
	"math"
)

// A scale maps values to percents of a picture's width: pictures have no width
// of their own, and fill whatever there is.
type scale struct {
	low, high float64
	log       bool
	from, to  float64 // percents
}

// logScale holds all values, and begins and ends with a power of ten of units.
func logScale(values []float64, unit float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v > 0 {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		low, high = unit, 10*unit
	}
	s := scale{unit * math.Pow(10, math.Floor(math.Log10(low/unit))), unit * math.Pow(10, math.Ceil(math.Log10(high/unit))), true, 1, 99}
	if s.low == s.high {
		s.high *= 10
	}
	return s
}

func (s scale) at(v float64) float64 {
	f := (v - s.low) / (s.high - s.low)
	if s.log {
		f = math.Log(max(v, s.low)/s.low) / math.Log(s.high/s.low)
	}
	return s.from + f*(s.to-s.from)
}

func percent(v float64) string { return fmt.Sprintf("%.2f%%", v) }

// Tick is a mark on an axis.
type Tick struct {
	X, Label string
	Y        float64
	Anchor   string
}

// decades are the powers of ten.
func (s scale) decades(label func(float64) string) (ticks []Tick) {
	for v := s.low; v <= s.high*1.001; v *= 10 {
		t := Tick{X: percent(s.at(v)), Label: plain(label(v)), Anchor: "middle"}
		if s.at(v) < 6 {
			t.Anchor = "start"
		} else if s.at(v) > 94 {
			t.Anchor = "end"
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// round steps from 0 to at least high: 1, 2 or 5 times a power of ten (of 1024
// for bytes).
func steps(high float64) []float64 {
	unit := 1.0
	for high/unit >= 1024 {
		unit *= 1024
	}
	step := math.Pow(10, math.Floor(math.Log10(high/unit/2)))
	for _, factor := range [...]float64{1, 2, 5, 10} {
		if high/unit/(step*factor) <= 5 {
			step *= factor
			break
		}
	}
	var list []float64
	for v := 0.0; ; v += step {
		list = append(list, v*unit)
		if v*unit >= high {
			return list
		}
	}
}
