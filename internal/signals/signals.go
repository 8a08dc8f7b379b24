// Package signals has the names of signals (signal(7)), those of real-time signals, too.
package signals

import (
	"strconv"
	"strings"

	"github.com/moby/sys/signal"
	"golang.org/x/sys/unix"
)

// The real-time signals, as libc counts them: it keeps the first two for itself.
const (
	rtMin = 34
	rtMax = 64
)

// Parse reads a number from 1 to 64, or a name with or without SIG, in any case: TERM,
// SIGRTMIN+3, RTMAX-1.
func Parse(word string) (sig unix.Signal, ok bool) {
	name := strings.TrimPrefix(strings.ToUpper(word), "SIG")
	if offset, found := strings.CutPrefix(name, "RTMIN+"); found {
		return realTime(rtMin, offset, 1)
	}
	if offset, found := strings.CutPrefix(name, "RTMAX-"); found {
		return realTime(rtMax, offset, -1)
	}
	sig, err := signal.ParseSignal(word)
	return sig, err == nil && 0 < sig && sig <= rtMax
}

func realTime(from int, offset string, sign int) (sig unix.Signal, ok bool) {
	n, err := strconv.ParseUint(offset, 10, 8)
	number := from + sign*int(n)
	return unix.Signal(number), err == nil && rtMin <= number && number <= rtMax
}

// Name returns the name of a signal, SIGTERM or SIGRTMIN+3, and the number of one without
// a name.
func Name(sig unix.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	number := int(sig)
	switch {
	case number == rtMin:
		return "SIGRTMIN"
	case number == rtMax:
		return "SIGRTMAX"
	case rtMin < number && number <= rtMin+15: // as kill(1) lists them
		return "SIGRTMIN+" + strconv.Itoa(number-rtMin)
	case rtMin < number && number < rtMax:
		return "SIGRTMAX-" + strconv.Itoa(rtMax-number)
	}
	return strconv.Itoa(number)
}
