package logs

import (
	"errors"
	"time"
)

// ParseTime reads a point in time as docker's --since and --until take it: a
// duration before now (42m, 1h30m), seconds since 1970 with or without a
// fraction, or as much of RFC 3339 as is known, from 2006-01-02 to
// 2006-01-02T15:04:05.999999999+07:00; without a zone it is now's.
func ParseTime(text string, now time.Time) (time.Time, error) {
	return time.Time{}, errors.ErrUnsupported
}
