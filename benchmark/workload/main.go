// Workload is the small program that the benchmark runs everywhere: as a plain
// process, in containers, in machines. It is static, needs no files but /proc,
// and starts in about a millisecond.
//
//	workload serve unix:PATH       answer HTTP on a Unix socket
//	workload serve tcp:PORT        answer HTTP on a port of all addresses
//	workload cpu SECONDS           sieves of primes per second, by one thread
//	workload calls SECONDS         calls of getppid(2) per second
//	workload switches SECONDS      bytes per second to another process and back
//
// The answer is benchmark.Answer as JSON. Reading order: main.go, serve.go, work.go.
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
	case len(args) == 1 && args[0] == "echo":
		err = echo()
	case len(args) != 2:
		err = os.ErrInvalid
	case args[0] == "serve":
		err = serve(args[1])
	default:
		var seconds float64
		if seconds, err = strconv.ParseFloat(args[1], 64); err == nil {
			err = work(args[0], time.Duration(seconds*float64(time.Second)))
		}
	}
	if err != nil {
		os.Stderr.WriteString("workload " + strings.Join(os.Args[1:], " ") + ": " + err.Error() + "\n")
		os.Exit(1)
	}
}
