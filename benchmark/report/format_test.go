package report

import (
	"math"
	"testing"

	"github.com/minictr/minictr/benchmark"
)

func TestUnits(t *testing.T) {
	for _, c := range [...]struct{ got, want string }{
		{duration(4.126e6), "4.13 ms"}, {duration(820e3), "820 µs"}, {duration(29.04e9), "29.0 s"},
		{duration(0.), "0 µs"},
		{size(1.0 * (1 << 20)), "1.00 MiB"}, {size(int64(271 << 20)), "271 MiB"},
		{size(int64(-5 << 10)), "-5.00 KiB"}, {size(12.0), "12.0 B"},
		{tick("1.00 ms"), "1 ms"}, {tick("100 ms"), "100 ms"}, {tick("64.0 KiB"), "64 KiB"},
		{share(.0714), "7.14 %"}, {rate(6.88e6), "6.88 million/s"}, {rate(106e3), "106 thousand/s"},
		{times(6089), "6\u202f100"}, {times(9.94), "9.9"}, {times(52.3), "52"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// Labels at the ends of lines keep their order, and do not overlap.
func TestLabelsOfLines(t *testing.T) {
	for _, sizes := range [][]int64{{900, 899, 898, 897, 100}, {14, 14, 14}, {20, 260, 21, 22}, {260}} {
		var curves []Curve
		for _, pss := range sizes {
			curves = append(curves, Curve{Sizes: []benchmark.Size{{N: 1, PSS: pss}}})
		}
		l := newLines("", "", "", curves)
		for i, c := range l.Curves {
			if i > 0 && (c.LabelY-l.Curves[i-1].LabelY < between || c.Sizes[0].PSS > l.Curves[i-1].Sizes[0].PSS) {
				t.Errorf("%v: labels at %+v", sizes, l.Curves)
			}
			if c.LabelY < plotTop || int(c.LabelY) > l.Height() {
				t.Errorf("%v: the label at %v leaves the picture", sizes, c.LabelY)
			}
		}
	}
}

func TestAxisHoldsAll(t *testing.T) {
	row := Row{Values: []float64{4.1e6, 29e9, -1}, Hollow: []float64{0}}
	s := newStrip("", "", "", []Row{row}, nanoseconds, 0)
	if ticks := s.Ticks(); s.low != 1e6 || s.high != 1e11 || len(ticks) != 6 || ticks[5].Label != "100 s" {
		t.Errorf("from %v to %v: %v", s.low, s.high, ticks)
	}
	if a, b := s.Width(1e6, 1e7), s.Width(1e10, 1e11); a != b {
		t.Errorf("a factor of ten is %v wide at the low end, %v at the high end", a, b)
	}
	for power := 1e3; power < 1e13; power *= 10 { // neither rounds to another power
		s := newStrip("", "", "", []Row{{Values: []float64{power}}}, nanoseconds, 0)
		if math.Abs(s.low/power-1) > 1e-9 || len(s.Ticks()) != 2 {
			t.Errorf("the axis of %v is from %v to %v", power, s.low, s.high)
		}
	}
	for high, want := range map[int64]string{3: "4.00 B", 2900 << 20: "4.00 GiB", 170 << 20: "256 MiB"} {
		l := newLines("", "", "", []Curve{{Sizes: []benchmark.Size{{N: 1, PSS: high}}}})
		if got := size(l.high); got != want {
			t.Errorf("the axis of %v ends at %v, not %v", high, got, want)
		}
	}
}
