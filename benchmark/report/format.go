package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// unit is how values of a kind are written, in figures and on an axis that
// begins with a power of ten of one.
type unit struct {
	one          float64
	text, onAxis func(float64) string
}

var (
	nanoseconds = unit{1, duration, duration}
	bytes       = unit{1 << 20, size[float64], sizeOnAxis}
	parts       = unit{1, share, share}
)

// digits returns a number with three significant digits.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	return strconv.FormatFloat(v, 'f', max(0, min(2, decimals)), 64)
}

// trimZeros removes zeros behind the point: "1.00 ms" is "1 ms" on an axis.
func trimZeros(text string) string {
	number, unit, _ := strings.Cut(text, " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return strings.TrimSpace(number + " " + unit)
}

// duration returns nanoseconds with a unit.
func duration(ns float64) string {
	switch {
	case ns < float64(time.Millisecond):
		return digits(ns/1e3) + " µs"
	case ns < float64(time.Second):
		return digits(ns/1e6) + " ms"
	}
	return digits(ns/1e9) + " s"
}

// size returns bytes with a unit.
func size[N int64 | float64](n N) string {
	v, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for len(units) > 1 && math.Abs(v) >= 1024 {
		v, units = v/1024, units[1:]
	}
	return digits(v) + " " + units[0]
}

// sizeOnAxis has no unit below MiB: tenths of one are easier to compare.
func sizeOnAxis(n float64) string {
	if n < 1<<20 {
		return strconv.FormatFloat(n/(1<<20), 'g', 3, 64) + " MiB"
	}
	return size(n)
}

// share returns a part of one as a percentage.
func share(v float64) string { return digits(v*100) + " %" }

// rate returns how often something is done in a second.
func rate(v float64) string {
	switch {
	case v >= 1e6:
		return digits(v/1e6) + " million/s"
	case v >= 1e3:
		return digits(v/1e3) + " thousand/s"
	}
	return digits(v) + "/s"
}

// times returns a ratio with two significant digits: 5700.
func times(v float64) string {
	if v < 10 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	return group(int(math.Round(v/unit) * unit))
}

// group puts thin spaces between thousands.
func group(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s\u202f%03d", group(n/1000), n%1000)
}
