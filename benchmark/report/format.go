package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// unit is how values of a kind are written, and which powers an axis shows.
type unit struct {
	base  float64
	write func(float64) string
}

var (
	nanoseconds = unit{10, duration[float64]}
	bytes       = unit{16, size[float64]} // 64 KiB, 1 MiB, 16 MiB
	parts       = unit{10, share}
)

// digits returns a number with three significant digits.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	return strconv.FormatFloat(v, 'f', max(0, min(2, decimals)), 64)
}

// scaled returns a value in the first unit in which it is less than factor. Each
// unit is factor times the one before.
func scaled(v, factor float64, units ...string) string {
	for len(units) > 1 && math.Abs(v) >= factor {
		v, units = v/factor, units[1:]
	}
	return digits(v) + units[0]
}

func duration[N ~int64 | float64](ns N) string {
	return scaled(float64(ns)/1e3, 1e3, " µs", " ms", " s")
}
func rate(perSecond float64) string { return scaled(perSecond, 1e3, "/s", " thousand/s", " million/s") }
func share(v float64) string        { return digits(v*100) + " %" }

func size[N int64 | float64](n N) string {
	return scaled(float64(n), 1024, " B", " KiB", " MiB", " GiB", " TiB")
}

// tick writes a value on an axis: "1.00 ms" is "1 ms".
func tick(text string) string { return strings.NewReplacer(".00 ", " ", ".0 ", " ").Replace(text) }

// times returns a ratio with two significant digits, and a thin space between
// thousands: 5 700.
func times(v float64) string {
	if v < 10 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	n := int(math.Round(v/unit) * unit)
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d\u202f%03d", n/1000, n%1000)
}

func percent(v float64) string { return fmt.Sprintf("%.2f%%", v) }

// brief puts an error on one line; report.json has all of it.
func brief(text string) string {
	const most = 300
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > most {
		return string(line[:most]) + "…"
	}
	return string(line)
}
