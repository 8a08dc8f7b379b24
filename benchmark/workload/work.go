package main

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// work does one kind of thing for a while, in one thread, and prints how often
// it was done in a second.
func work(kind string, d time.Duration) error {
	runtime.LockOSThread()
	do, done := call, func() error { return nil }
	switch kind {
	case "cpu":
		do = sieve
	case "calls":
	case "switches":
		var err error
		if do, done, err = partner(); err != nil {
			return err
		}
	default:
		return os.ErrInvalid
	}
	const batch = 50 // things between two looks at the clock
	n, start := 0, time.Now()
	for time.Since(start) < d {
		for range batch {
			if err := do(); err != nil {
				return err
			}
		}
		n += batch
	}
	perSecond := float64(n) / time.Since(start).Seconds()
	_, err := os.Stdout.WriteString(strconv.Itoa(int(perSecond)) + "\n")
	return errors.Join(err, done())
}

var composite [1 << 14]bool

// sieve finds the primes below 16384. It keeps the CPU busy with plain
// instructions that every model has, and asks the kernel for nothing.
func sieve() error {
	clear(composite[:])
	for n := 2; n*n < len(composite); n++ {
		if !composite[n] {
			for m := n * n; m < len(composite); m += n {
				composite[m] = true
			}
		}
	}
	return nil
}

// call goes into the kernel and back, and does nothing there.
func call() error {
	unix.Getppid()
	return nil
}

// partner starts a process that sends back each byte it gets. do sends one, and
// waits for it: the CPU is handed over twice. done ends the process.
func partner() (do, done func() error, err error) {
	var there, back [2]int
	if err := unix.Pipe2(there[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	if err := unix.Pipe2(back[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	in, out := os.NewFile(uintptr(there[0]), "in"), os.NewFile(uintptr(back[1]), "out")
	defer in.Close()
	defer out.Close()
	process, err := os.StartProcess("/proc/self/exe", []string{"workload", "echo"}, &os.ProcAttr{Files: []*os.File{in, out, os.Stderr}})
	do = func() error {
		var b [1]byte
		if _, err := unix.Write(there[1], b[:]); err != nil {
			return os.NewSyscallError("write", err)
		}
		_, err := unix.Read(back[0], b[:])
		return os.NewSyscallError("read", err)
	}
	done = func() error {
		unix.Close(there[1]) // the end of its input
		_, err := process.Wait()
		return err
	}
	return do, done, err
}

// echo is the partner.
func echo() error {
	var b [1]byte
	for {
		if n, err := unix.Read(0, b[:]); err != nil || n == 0 {
			return err
		}
		if _, err := unix.Write(1, b[:]); err != nil {
			return io.ErrClosedPipe
		}
	}
}
