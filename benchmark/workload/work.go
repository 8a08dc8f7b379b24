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

// work repeats one kind of work, in one thread, and prints how often per second.
func work(kind string, d time.Duration) error {
	runtime.LockOSThread()
	do, done := sieve, func() error { return nil }
	switch kind {
	case "cpu":
	case "calls": // into the kernel and back
		do = func() error { unix.Getppid(); return nil }
	case "switches":
		var err error
		if do, done, err = partner(); err != nil {
			return err
		}
	default:
		return os.ErrInvalid
	}
	const batch = 50 // between two looks at the clock
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

// sieve finds the primes below 16384, with instructions that every CPU has, and
// without system calls.
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

// partner starts a process that echoes bytes. do sends one and waits for it, which
// switches to the process and back; done ends the process.
func partner() (do, done func() error, err error) {
	var there, back [2]int
	if err := errors.Join(unix.Pipe2(there[:], unix.O_CLOEXEC), unix.Pipe2(back[:], unix.O_CLOEXEC)); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	in, out := os.NewFile(uintptr(there[0]), "in"), os.NewFile(uintptr(back[1]), "out")
	defer in.Close()
	defer out.Close()
	attr := &os.ProcAttr{Files: []*os.File{in, out, os.Stderr}}
	process, err := os.StartProcess("/proc/self/exe", []string{"workload", "echo"}, attr)
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
