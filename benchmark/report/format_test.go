package report

import "testing"

func TestUnits(t *testing.T) {
	for _, c := range [...]struct{ got, want string }{
		{duration(4.126e6), "4.13 ms"}, {duration(820e3), "820 µs"}, {duration(29.04e9), "29.0 s"},
		{duration(0), "0 µs"},
		{size(1.0 * (1 << 20)), "1.00 MiB"}, {size(int64(271 << 20)), "271 MiB"},
		{size(int64(-5 << 10)), "-5.00 KiB"}, {size(12.0), "12.0 B"},
		{sizeOnAxis(.1 * (1 << 20)), "0.1 MiB"}, {trimZeros("1.00 ms"), "1 ms"}, {trimZeros("100 ms"), "100 ms"},
		{share(.0714), "7.14 %"}, {rate(6.88e6), "6.88 million/s"}, {rate(106e3), "106 thousand/s"},
		{times(6089), "6\u202f100"}, {times(9.94), "9.9"}, {times(52.3), "52"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// Labels at the ends of lines keep their order, and do not overlap.
func TestSpread(t *testing.T) {
	for _, heights := range [][]float64{{260, 259, 258, 257, 100}, {14, 14, 14}, {20, 260, 21, 22}, {260}} {
		moved := spread(heights)
		for i, a := range moved {
			for j, b := range moved {
				if heights[i] < heights[j] && b-a < between {
					t.Errorf("%v: the labels for %v and %v are at %v and %v", heights, heights[i], heights[j], a, b)
				}
				if i != j && a == b || a < plotTop {
					t.Errorf("%v: labels at %v and %v", heights, a, b)
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
	if a, b := x.Width(1e6, 1e7), x.Width(1e10, 1e11); a != b {
		t.Errorf("a factor of ten is %v wide at the low end, %v at the high end", a, b)
	}
	for _, high := range []float64{3, 9.5, 2.7 * (1 << 30), 170 * (1 << 20)} {
		s := steps(high)
		if last := s[len(s)-1]; last < high || len(s) < 3 || len(s) > 7 {
			t.Errorf("steps to %v: %v", high, s)
		}
	}
}
