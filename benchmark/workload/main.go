// Workload is the small program that the benchmark runs everywhere: as a plain
// process, in containers, in machines. It is static, needs no files but /proc,
// and starts in about a millisecond.
//
//	workload unix:PATH|tcp:PORT
//
// answers HTTP on a Unix socket, or on a port of all addresses, in JSON:
//
//	GET /                        benchmark.Answer
//	GET /cpu/MILLISECONDS        sieves of primes per second, by one thread
//	GET /calls/MILLISECONDS      calls of getppid(2) per second
//	GET /switches/MILLISECONDS   bytes per second to another process and back
//
// Reading order: main.go, serve.go, work.go.
package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// began is when main began, by CLOCK_MONOTONIC.
var began unix.Timespec

func main() {
	err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &began)
	switch args := os.Args[1:]; {
	case err != nil:
	case len(args) != 1:
		err = os.ErrInvalid
	case args[0] == "echo":
		err = echo()
	default:
		err = serve(args[0])
	}
	if err != nil {
		os.Stderr.WriteString("workload: " + err.Error() + "\n")
		os.Exit(1)
	}
}
