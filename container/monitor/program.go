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

// program returns the program of the table.
func (m *idleMonitor) program() (*table.Program, error) {
	// memory: numbers, structs and strings
	l := table.NewList(programLines)
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
		moment   = l.Timespec(100 * time.Millisecond)
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
	l.Add("", call(unix.SYS_MMAP, bufferAddress, bufferSize, access, mapping, everything, 0), table.Follow{})
	l.Add("", call(unix.SYS_PRCTL, unix.PR_SET_NAME, l.PutString("minictr-monitor")), table.Follow{})

	// wait until something happens; the exit comes first
	l.Add("wait", call(unix.SYS_PPOLL, polls, 4, 0, 0, 0), table.Follow{Else: "wait"})
	l.Add("", ready(process), table.Follow{Zero: "timer"})
	l.Add("", executeMinictr(l, m.Ended, m.Env), table.Follow{Else: "pause"})
	l.Add("pause", call(unix.SYS_NANOSLEEP, moment, 0), table.Follow{Then: "wait", Zero: "wait", Else: "wait"})

	// timer: reap earlier checks (wait4(2)), start one as vfork(2) does
	l.Add("timer", ready(timer), table.Follow{Zero: "errors"})
	l.Add("", call(unix.SYS_READ, timerFD, ticks, 8), table.Follow{Else: "errors"})
	l.Add("reap", call(unix.SYS_WAIT4, math.MaxInt32, 0, unix.WNOHANG, 0), table.Follow{Zero: "errors", Else: "check"})
	l.Add("check", to(call(unix.SYS_CLONE, vfork, 0, 0, 0, 0), l.Arg("reap", 0)),
		table.Follow{Zero: "child", Else: "errors"})

	// standard error, standard output: read; a closed stream is no longer polled
	l.Add("errors", ready(errors), table.Follow{Zero: "output"})
	l.Add("", read(errorFD), table.Follow{Zero: "no errors", Else: "no errors"})
	l.Add("", copyWord(two, stream), table.Follow{Then: "write"})
	l.Add("no errors", copyWord(noPolls, errors), table.Follow{})

	l.Add("output", ready(output), table.Follow{Zero: "wait"})
	l.Add("", read(OutputFD), table.Follow{Zero: "no output", Else: "no output"})
	l.Add("", copyWord(one, stream), table.Follow{Then: "write"})
	l.Add("no output", copyWord(noPolls, output), table.Follow{Then: "wait"})

	// write a frame; a log of maximum size becomes the older one, half a frame is cut off
	l.Add("write", copyWord(length, iov+24), table.Follow{})
	l.Add("", call(unix.SYS_CLOCK_GETTIME, unix.CLOCK_REALTIME, header), table.Follow{})
	l.Add("", to(call(unix.SYS_LSEEK, logFD, 0, unix.SEEK_END), l.Arg("cut", 1)), table.Follow{Else: "next"})
	l.Add("", call(table.Difference, l.Arg("cut", 1), maximum, signBit), table.Follow{Then: "put", Zero: "rotate"})
	l.Add("rotate", call(unix.SYS_RENAMEAT2, dir, log, dir, older, 0), table.Follow{Else: "new"})
	l.Add("new", to(call(unix.SYS_OPENAT, dir, log, create, 0o600), l.Arg("use", 0)), table.Follow{Else: "put"})
	l.Add("", copyWord(l.Arg("use", 0), l.Arg("close", 0)), table.Follow{})
	l.Add("use", call(unix.SYS_DUP3, 0, logFD, 0), table.Follow{Else: "close"})
	l.Add("close", call(unix.SYS_CLOSE, 0), table.Follow{Else: "put"})
	l.Add("put", to(call(unix.SYS_WRITEV, logFD, iov, 2), written), table.Follow{Else: "next"})
	l.Add("", to(call(table.Difference, length, noHeader, everything), expected), table.Follow{})
	l.Add("", call(table.Difference, written, expected, everything), table.Follow{Zero: "next", Else: "cut"})
	l.Add("cut", call(unix.SYS_FTRUNCATE, logFD, 0), table.Follow{Else: "next"})
	l.Add("next", call(table.Difference, stream, two, everything),
		table.Follow{Zero: "output", Then: "wait", Else: "wait"})

	// the child: dies with the monitor, inherits two descriptors
	l.Add("child", call(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uint64(unix.SIGKILL)), table.Follow{})
	l.Add("", call(unix.SYS_CLOSE_RANGE, dirFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC), table.Follow{})
	l.Add("", executeMinictr(l, m.Health, m.Env), table.Follow{Else: "exit"})
	l.Add("exit", call(unix.SYS_EXIT_GROUP, table.ExitFailed), table.Follow{})
	if err := l.End(); err != nil {
		return nil, err
	}
	return l.Program, nil
}

// pollFor returns a struct pollfd as a number, with fd -1 if the descriptor is not open.
func pollFor(fd int) uint64 {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		return noPoll
	}
	return uint64(fd) | unix.POLLIN<<32
}
