package benchmark_test

import (
	"math"
	"slices"
	"testing"

	"github.com/minictr/minictr/benchmark"
)

func TestSummarize(t *testing.T) {
	values := []float64{14, 10, 11, 90, 12, 13, 10, 11, 12, 13, 11}
	s := benchmark.Summarize(values)
	if s.N != 11 || s.Median != 12 || s.P95 != 52 {
		t.Errorf("%+v; the median is 12, and 52 is half-way between 14 and 90", s)
	}
	if s.Low > s.Median || s.High < s.Median || s.Low < 10 || s.High > 14 {
		t.Errorf("the median of %v is between %v and %v", values, s.Low, s.High)
	}
	if !slices.Equal(s.Outliers, []float64{90}) {
		t.Errorf("outliers: %v; want 90", s.Outliers)
	}
	if again := benchmark.Summarize(values); again.Low != s.Low || again.High != s.High {
		t.Errorf("the same values give %+v and %+v", s, again)
	}
	if one := benchmark.Summarize([]float64{5}); one.Median != 5 || one.P95 != 5 || one.Low != 5 || one.High != 5 {
		t.Errorf("of one value: %+v", one)
	}
}

func TestFit(t *testing.T) {
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
	// on a line, and around it
	if l := benchmark.Fit([]float64{1, 2, 3, 10}, []float64{5, 7, 9, 23}); !near(l.Slope, 2) || !near(l.Base, 3) {
		t.Errorf("3 + 2x is found to be %+v", l)
	}
	if l := benchmark.Fit([]float64{0, 1, 2}, []float64{0, 2, 1}); !near(l.Slope, .5) || !near(l.Base, .5) {
		t.Errorf("the least squares are those of 0.5 + 0.5x, not of %+v", l)
	}
	if l := benchmark.Fit(nil, nil); !math.IsNaN(l.Slope) {
		t.Errorf("no points give %+v", l)
	}
}
