package monitor

import (
	"math"
	"time"

	"github.com/minictr/minictr/runtime/table"
	"golang.org/x/sys/unix"
)

const (
	programLines = 36 // of idleMonitor.program
	sleepLines   = 2  // of sleepThen

	bufferAddress = 0x1000000
	bufferSize    = 32 << 10 // bytes that are read at once
	headerSize    = 32       // of a frame (container/logs)

	pollSize   = 8                      // struct pollfd (poll(2)): int fd, short events, short revents
	revents    = 0xffff << 48           // its revents, in a little-endian number
	noPoll     = uint64(math.MaxUint32) // one with fd -1, which ppoll(2) ignores
	signBit    = 1 << 63
	everything = math.MaxUint64
)

// program returns the program file of the table.
func (m *idleMonitor) program() ([]byte, error) {
	// memory: numbers, structs and strings
	l := newList(programLines)
	var (
		zero     = l.PutWords(0)
		one      = l.PutWords(1)
		two      = l.PutWords(2)
		noPolls  = l.PutWords(noPoll)
		maximum  = l.PutWords(uint64(m.Maximum))
		header   = l.PutWords(0, 0, 0, 0)
		stream   = header + 16
		length   = header + 24
		noHeader = l.PutWords(everything - headerSize + 1)
		expected = l.PutWords(0)
		written  = l.PutWords(0)
		ticks    = l.PutWords(0)
		iov      = l.PutWords(header, headerSize, bufferAddress, 0)
		polls    = l.PutWords(pollFor(errorFD), pollFor(OutputFD), pollFor(timerFD), pollFor(processFD))
		dir      = uint64(dirFD)
		log      = l.PutString(m.Log)
		older    = l.PutString(m.Older)
		moment   = l.timespec(100 * time.Millisecond)
	)
	// words of the table's language
	errors, output, timer, process := polls, polls+pollSize, polls+2*pollSize, polls+3*pollSize
	copyWord := func(from, to uint64) table.Line {
		return table.Line{Number: table.Difference, Args: []uint64{from, zero, everything}, To: to}
	}
	ready := func(poll uint64) table.Line {
		return table.Line{Number: table.Difference, Args: []uint64{poll, zero, revents}}
	}
	call := func(number uint64, args ...uint64) table.Line { return table.Line{Number: number, Args: args} }
	to := func(line table.Line, address uint64) table.Line { line.To = address; return line }
	read := func(fd uint64) table.Line {
		return to(call(unix.SYS_READ, fd, bufferAddress, bufferSize), length)
	}
	const (
		access  = unix.PROT_READ | unix.PROT_WRITE
		mapping = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_FIXED_NOREPLACE
		vfork   = unix.CLONE_VM | unix.CLONE_VFORK | uint64(unix.SIGCHLD)
		create  = unix.O_WRONLY | unix.O_CREAT | unix.O_APPEND | unix.O_NOFOLLOW
	)

	// begin: a buffer, a name for ps(1)
	l.add("", call(unix.SYS_MMAP, bufferAddress, bufferSize, access, mapping, everything, 0), follow{})
	l.add("", call(unix.SYS_PRCTL, unix.PR_SET_NAME, l.PutString("minictr-monitor")), follow{})

	// wait until something happens; the exit comes first
	l.add("wait", call(unix.SYS_PPOLL, polls, 4, 0, 0, 0), follow{any: "wait"})
	l.add("", ready(process), follow{zero: "timer"})
	l.add("", l.executeMinictr(m.Ended, m.Env), follow{any: "pause"})
	l.add("pause", call(unix.SYS_NANOSLEEP, moment, 0), follow{then: "wait", zero: "wait", any: "wait"})

	// timer: reap earlier checks (wait4(2)), start one as vfork(2) does
	l.add("timer", ready(timer), follow{zero: "errors"})
	l.add("", call(unix.SYS_READ, timerFD, ticks, 8), follow{any: "errors"})
	l.add("reap", call(unix.SYS_WAIT4, math.MaxInt32, 0, unix.WNOHANG, 0), follow{zero: "errors", any: "check"})
	l.add("check", to(call(unix.SYS_CLONE, vfork, 0, 0, 0, 0), l.arg("reap", 0)),
		follow{zero: "child", any: "errors"})

	// standard error, standard output: read; a closed stream is no longer polled
	l.add("errors", ready(errors), follow{zero: "output"})
	l.add("", read(errorFD), follow{zero: "no errors", any: "no errors"})
	l.add("", copyWord(two, stream), follow{then: "write"})
	l.add("no errors", copyWord(noPolls, errors), follow{})

	l.add("output", ready(output), follow{zero: "wait"})
	l.add("", read(OutputFD), follow{zero: "no output", any: "no output"})
	l.add("", copyWord(one, stream), follow{then: "write"})
	l.add("no output", copyWord(noPolls, output), follow{then: "wait"})

	// write a frame; a log of maximum size becomes the older one, half a frame is cut off
	l.add("write", copyWord(length, iov+24), follow{})
	l.add("", call(unix.SYS_CLOCK_GETTIME, unix.CLOCK_REALTIME, header), follow{})
	l.add("", to(call(unix.SYS_LSEEK, logFD, 0, unix.SEEK_END), l.arg("cut", 1)), follow{any: "next"})
	l.add("", call(table.Difference, l.arg("cut", 1), maximum, signBit), follow{then: "put", zero: "rotate"})
	l.add("rotate", call(unix.SYS_RENAMEAT2, dir, log, dir, older, 0), follow{any: "new"})
	l.add("new", to(call(unix.SYS_OPENAT, dir, log, create, 0o600), l.arg("use", 0)), follow{any: "put"})
	l.add("", copyWord(l.arg("use", 0), l.arg("close", 0)), follow{})
	l.add("use", call(unix.SYS_DUP3, 0, logFD, 0), follow{any: "close"})
	l.add("close", call(unix.SYS_CLOSE, 0), follow{any: "put"})
	l.add("put", to(call(unix.SYS_WRITEV, logFD, iov, 2), written), follow{any: "next"})
	l.add("", to(call(table.Difference, length, noHeader, everything), expected), follow{})
	l.add("", call(table.Difference, written, expected, everything), follow{zero: "next", any: "cut"})
	l.add("cut", call(unix.SYS_FTRUNCATE, logFD, 0), follow{any: "next"})
	l.add("next", call(table.Difference, stream, two, everything), follow{zero: "output", then: "wait", any: "wait"})

	// the child: dies with the monitor, inherits two descriptors
	l.add("child", call(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uint64(unix.SIGKILL)), follow{})
	l.add("", call(unix.SYS_CLOSE_RANGE, dirFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC), follow{})
	l.add("", l.executeMinictr(m.Health, m.Env), follow{any: "exit"})
	l.add("exit", call(unix.SYS_EXIT_GROUP, table.ExitFailed), follow{})
	if err := l.end(); err != nil {
		return nil, err
	}
	return l.File(), nil
}

// pollFor returns a struct pollfd as a number, with fd -1 if the descriptor is not open.
func pollFor(fd int) uint64 {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		return noPoll
	}
	return uint64(fd) | unix.POLLIN<<32
}
