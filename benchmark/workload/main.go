// Workload is the small program that the benchmark runs everywhere: as a plain
// process, in containers, in machines. It is static, needs no files but /proc,
// and starts in about a millisecond.
//
//	workload serve unix:PATH       answer HTTP on a socket in the file system
//	workload serve tcp:PORT        answer HTTP on a port of every address
//	workload cpu SECONDS           how many sieves of primes a second, by one thread
//	workload calls SECONDS         how many getppid(2) a second
//	workload switches SECONDS      how many times a second a byte goes to another
//	                               process and comes back (workload echo)
//
// The answer is JSON: the kernel's release, how many processes are seen, how
// much memory the system has, how much this program takes and when it began.
package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// began is when main began, by CLOCK_MONOTONIC.
var began unix.Timespec

func main() {
	err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &began)
	switch args := os.Args[1:]; {
	case err != nil:
	case len(args) == 2 && args[0] == "serve":
		err = serve(args[1])
	case len(args) == 1 && args[0] == "echo":
		err = echo()
	case len(args) == 2:
		var seconds float64
		if seconds, err = strconv.ParseFloat(args[1], 64); err == nil {
			err = work(args[0], time.Duration(seconds*float64(time.Second)))
		}
	default:
		err = os.ErrInvalid
	}
	if err != nil {
		os.Stderr.WriteString("workload " + strings.Join(os.Args[1:], " ") + ": " + err.Error() + "\n")
		os.Exit(1)
	}
}
