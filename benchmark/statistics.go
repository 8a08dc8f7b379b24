package benchmark

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Summary of several measurements of the same thing.
type Summary struct {
	N         int
	Median    float64
	P95       float64 // the 95th percentile
	Low, High float64 // the 95 % confidence interval of the median
	Outliers  []float64
}

// resamples of the bootstrap. Each is the median of as many values, drawn with
// replacement from those that were measured; the confidence interval is the
// middle 95 % of these medians.
const resamples = 2000

// Summarize returns zero for no values, and the same summary for the same values.
func Summarize(values []float64) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	sorted := slices.Sorted(slices.Values(values))
	s := Summary{N: len(sorted), Median: quantile(sorted, 0.5), P95: quantile(sorted, 0.95)}

	// the confidence interval
	random := rand.New(rand.NewPCG(uint64(len(sorted)), 6))
	medians, drawn := make([]float64, resamples), make([]float64, len(sorted))
	for i := range medians {
		for j := range drawn {
			drawn[j] = sorted[random.IntN(len(sorted))]
		}
		slices.Sort(drawn)
		medians[i] = quantile(drawn, 0.5)
	}
	slices.Sort(medians)
	s.Low, s.High = quantile(medians, 0.025), quantile(medians, 0.975)

	// outliers, outside of Tukey's fences: 1.5 times the interquartile range around it
	q1, q3 := quantile(sorted, 0.25), quantile(sorted, 0.75)
	fence := 1.5 * (q3 - q1)
	for _, v := range sorted {
		if v < q1-fence || v > q3+fence {
			s.Outliers = append(s.Outliers, v)
		}
	}
	return s
}

// quantile of sorted values interpolates between two of them.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// Line is y = Base + Slope·x.
type Line struct{ Base, Slope float64 }

// Fit returns the line of least squares; of fewer than two points, it is NaN.
func Fit(x, y []float64) Line {
	var sx, sy, sxx, sxy float64
	for i := range x {
		sx, sy, sxx, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	n := float64(len(x))
	if n == 0 || n*sxx == sx*sx {
		return Line{math.NaN(), math.NaN()}
	}
	slope := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	return Line{(sy - slope*sx) / n, slope}
}
