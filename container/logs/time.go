package logs

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/hint"
)

// ParseTime parses a time as docker's --since and --until take it: a duration before now
// (42m, 1h30m), seconds since 1970 with or without a fraction, or a part of RFC 3339,
// from 2006-01-02 to 2006-01-02T15:04:05.999999999+07:00; the default zone is now's.
func ParseTime(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && text != "0" {
		return now.Add(-d), nil
	}
	if t, ok := unixTime(text); ok {
		return t, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15", "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		for _, zone := range []string{"", "Z07:00"} {
			if t, err := time.ParseInLocation(layout+zone, text, now.Location()); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, hint.New(fmt.Errorf("time %q: not a time", text),
		"write 10m for ten minutes ago, 2006-01-02T15:04:05 or 1136214245.5")
}

// unixTime parses seconds since 1970, with up to nine digits of a fraction.
func unixTime(text string) (t time.Time, ok bool) {
	whole, fraction, point := strings.Cut(text, ".")
	if point && (fraction == "" || len(fraction) > 9) {
		return t, false
	}
	seconds, err1 := strconv.ParseUint(whole, 10, 63)
	nanoseconds, err2 := strconv.ParseUint((fraction + "000000000")[:9], 10, 63)
	return time.Unix(int64(seconds), int64(nanoseconds)), err1 == nil && err2 == nil && seconds <= lastSecond
}
