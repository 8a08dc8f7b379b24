package monitor

import (
	"math"
	"time"

	"github.com/minictr/minictr/runtime/table"
	"golang.org/x/sys/unix"
)

const (
	programLines = 36
	sleepLines   = 2

	bufferAddress = 0x1000000
	bufferSize    = 32 << 10 // bytes that are read at once
	headerSize    = 32       // of a frame: see container/logs

	pollSize   = 8                      // struct pollfd: int fd, short events, short revents
	revents    = 0xffff << 48           // of one, seen as a number of 8 bytes
	noPoll     = uint64(math.MaxUint32) // one of no descriptor: fd -1
	signBit    = 1 << 63
	everything = math.MaxUint64
)

// program is the list of calls.
func (w *idleMonitor) program() ([]byte, error) {
	l := newList(programLines)
	var (
		zero     = l.PutWords(0)
		one      = l.PutWords(1)
		two      = l.PutWords(2)
		noPolls  = l.PutWords(noPoll)
		maximum  = l.PutWords(uint64(w.Maximum))
		header   = l.PutWords(0, 0, 0, 0)
		stream   = header + 16
		length   = header + 24
		noHeader = l.PutWords(everything - headerSize + 1)
		expected = l.PutWords(0)
		written  = l.PutWords(0)
		ticks    = l.PutWords(0)
		iov      = l.PutWords(header, headerSize, bufferAddress, 0)
		polls    = l.PutWords(pollFor(errorFD), pollFor(OutputFD), pollFor(timerFD), pollFor(processFD))
		folder   = uint64(dirFD)
		log      = l.PutString(w.Log)
		older    = l.PutString(w.Older)
		moment   = l.timespec(100 * time.Millisecond)
	)
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
	const map1 = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_FIXED_NOREPLACE

	l.add("", call(unix.SYS_MMAP, bufferAddress, bufferSize, unix.PROT_READ|unix.PROT_WRITE, map1, everything, 0), follow{})
	l.add("", call(unix.SYS_PRCTL, unix.PR_SET_NAME, l.PutString("minictr-monitor")), follow{})

	l.add("wait", call(unix.SYS_PPOLL, polls, 4, 0, 0, 0), follow{any: "wait"})
	l.add("", ready(process), follow{zero: "timer"})
	l.add("", l.executeMinictr(w.Ended, w.Env), follow{any: "again"})
	l.add("again", call(unix.SYS_NANOSLEEP, moment, 0), follow{then: "wait", zero: "wait", any: "wait"})

	l.add("timer", ready(timer), follow{zero: "errors"})
	l.add("", call(unix.SYS_READ, timerFD, ticks, 8), follow{any: "errors"})
	l.add("reap", call(unix.SYS_WAIT4, math.MaxInt32, 0, unix.WNOHANG, 0), follow{zero: "errors", any: "check"})
	l.add("check", to(call(unix.SYS_CLONE, unix.CLONE_VM|unix.CLONE_VFORK|uint64(unix.SIGCHLD), 0, 0, 0, 0), l.arg("reap", 0)),
		follow{zero: "child", any: "errors"})

	l.add("errors", ready(errors), follow{zero: "output"})
	l.add("", read(errorFD), follow{zero: "no errors", any: "no errors"})
	l.add("", copyWord(two, stream), follow{then: "write"})
	l.add("no errors", copyWord(noPolls, errors), follow{})

	l.add("output", ready(output), follow{zero: "wait"})
	l.add("", read(OutputFD), follow{zero: "no output", any: "no output"})
	l.add("", copyWord(one, stream), follow{then: "write"})
	l.add("no output", copyWord(noPolls, output), follow{then: "wait"})

	l.add("write", copyWord(length, iov+24), follow{})
	l.add("", call(unix.SYS_CLOCK_GETTIME, unix.CLOCK_REALTIME, header), follow{})
	l.add("", to(call(unix.SYS_LSEEK, logFD, 0, unix.SEEK_END), l.arg("cut", 1)), follow{any: "next"})
	l.add("", call(table.Difference, l.arg("cut", 1), maximum, signBit), follow{then: "put", zero: "turn over"})
	l.add("turn over", call(unix.SYS_RENAMEAT2, folder, log, folder, older, 0), follow{any: "new"})
	l.add("new", to(call(unix.SYS_OPENAT, folder, log, unix.O_WRONLY|unix.O_CREAT|unix.O_APPEND|unix.O_NOFOLLOW, 0o600), l.arg("use", 0)), follow{any: "put"})
	l.add("", copyWord(l.arg("use", 0), l.arg("close", 0)), follow{})
	l.add("use", call(unix.SYS_DUP3, 0, logFD, 0), follow{any: "close"})
	l.add("close", call(unix.SYS_CLOSE, 0), follow{any: "put"})
	l.add("put", to(call(unix.SYS_WRITEV, logFD, iov, 2), written), follow{any: "next"})
	l.add("", to(call(table.Difference, length, noHeader, everything), expected), follow{})
	l.add("", call(table.Difference, written, expected, everything), follow{zero: "next", any: "cut"})
	l.add("cut", call(unix.SYS_FTRUNCATE, logFD, 0), follow{any: "next"})
	l.add("next", call(table.Difference, stream, two, everything), follow{zero: "output", then: "wait", any: "wait"})

	l.add("child", call(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uint64(unix.SIGKILL)), follow{})
	l.add("", call(unix.SYS_CLOSE_RANGE, dirFD, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC), follow{})
	l.add("", l.executeMinictr(w.Health, w.Env), follow{any: "exit"})
	l.add("exit", call(unix.SYS_EXIT_GROUP, table.ExitFailed), follow{})
	if err := l.end(); err != nil {
		return nil, err
	}
	return l.File(), nil
}

// pollFor is a struct pollfd, or an idle one if there is no such descriptor.
func pollFor(fd int) uint64 {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		return noPoll
	}
	return uint64(fd) | unix.POLLIN<<32
}
