package report

import (
	"testing"
)

func TestWords(t *testing.T) {
	for _, c := range [...]struct{ got, want string }{
		{span(4.126e6), "4.13 ms"}, {span(820e3), "820 µs"}, {span(29.04e9), "29.0 s"}, {span(0), "0 µs"},
		{size(1 << 20), "1.00 MiB"}, {size(271 * 1 << 20), "271 MiB"}, {size(-5 * 1 << 10), "-5.00 KiB"}, {size(12), "12.0 B"},
		{sizeOnAxis(.1 * (1 << 20)), "0.1 MiB"}, {plain("1.00 ms"), "1 ms"}, {plain("100 ms"), "100 ms"},
		{share(.0714), "7.14 %"}, {rate(6.88e6), "6.88 million/s"}, {rate(106e3), "106 thousand/s"},
		{times(6089), "6\u202f100"}, {times(9.94), "9.9"}, {times(52.3), "52"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// Names at the ends of lines keep their order and never lie on each other.
func TestSpread(t *testing.T) {
	for _, heights := range [][]float64{{260, 259, 258, 257, 100}, {14, 14, 14}, {20, 260, 21, 22}, {260}} {
		series := make([]Series, len(heights))
		for i, y := range heights {
			series[i].LabelY = y
		}
		spread(series)
		for i, a := range series {
			for j, b := range series {
				if heights[i] < heights[j] && b.LabelY-a.LabelY < between {
					t.Errorf("%v: the names at %v and %v are at %v and %v", heights, heights[i], heights[j], a.LabelY, b.LabelY)
				}
				if i != j && a.LabelY == b.LabelY || a.LabelY < plotTop {
					t.Errorf("%v: names at %v and %v", heights, a.LabelY, b.LabelY)
				}
			}
		}
	}
}

func TestScaleHoldsAll(t *testing.T) {
	x := logScale([]float64{4.1e6, 29e9}, 1)
	if x.low != 1e6 || x.high != 1e11 {
		t.Errorf("from %v to %v", x.low, x.high)
	}
	if a, b := x.at(1e7)-x.at(1e6), x.at(1e11)-x.at(1e10); a-b > 1e-9 || b-a > 1e-9 {
		t.Errorf("a factor of ten is %v wide here, and %v there", a, b)
	}
	for _, high := range []float64{3, 9.5, 2.7 * (1 << 30), 170 * (1 << 20)} {
		s := steps(high)
		if last := s[len(s)-1]; last < high || len(s) < 3 || len(s) > 7 {
			t.Errorf("steps to %v: %v", high, s)
		}
	}
}
