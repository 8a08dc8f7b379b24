package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// digits writes a number with three significant digits.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	return strconv.FormatFloat(v, 'f', max(0, min(2, decimals)), 64)
}

// plain takes the zeros behind the point away: "1.00 ms" is "1 ms" on an axis.
func plain(text string) string {
	number, unit, _ := strings.Cut(text, " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return strings.TrimSpace(number + " " + unit)
}

// span writes nanoseconds in the unit that a person would take.
func span(ns float64) string {
	switch {
	case ns < float64(time.Millisecond):
		return digits(ns/1e3) + " µs"
	case ns < float64(time.Second):
		return digits(ns/1e6) + " ms"
	}
	return digits(ns/1e9) + " s"
}

// size writes bytes.
func size(bytes float64) string {
	units, i := [...]string{"B", "KiB", "MiB", "GiB", "TiB"}, 0
	for i < len(units)-1 && math.Abs(bytes) >= 1024 {
		bytes, i = bytes/1024, i+1
	}
	return digits(bytes) + " " + units[i]
}

// sizeOnAxis has no unit below MiB: tenths of one are easier to compare.
func sizeOnAxis(bytes float64) string {
	if bytes < 1<<20 {
		return strconv.FormatFloat(bytes/(1<<20), 'g', 3, 64) + " MiB"
	}
	return size(bytes)
}

// share writes a part of one.
func share(v float64) string { return digits(v*100) + " %" }

// rate writes how often something is done in a second.
func rate(v float64) string {
	switch {
	case v >= 1e6:
		return digits(v/1e6) + " million/s"
	case v >= 1e3:
		return digits(v/1e3) + " thousand/s"
	}
	return digits(v) + "/s"
}

// times writes a ratio with two significant digits: 5700.
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
