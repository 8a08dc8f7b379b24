package stdio

// A process may leave others behind that have its output: daemons, jobs of a shell. They
// write when minictr has ended, so a small program goes on to copy.

import (
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"

	"github.com/minictr/minictr/runtime/table"
	"golang.org/x/sys/unix"
)

// isOpen reports whether an output comes from a pipe that holds data, or has a writer.
func (o *output) isOpen() bool {
	var st unix.Statfs_t
	polls := []unix.PollFd{{Events: unix.POLLIN}}
	err := control(o.from, func(fd uintptr) error {
		polls[0].Fd = int32(fd)
		_, err := unix.Poll(polls, 0)
		return errors.Join(err, unix.Fstatfs(int(fd), &st))
	})
	events := polls[0].Revents
	return err == nil && st.Type == unix.PIPEFS_MAGIC && (events&unix.POLLIN != 0 || events&unix.POLLHUP == 0)
}

// leave starts a process that copies an output until its pipe has no writer, which is so
// when the container has ended, or until the file takes no more. It is in a session of its
// own, and has no other descriptor.
func (o *output) leave() error {
	program, err := copyProgram()
	if err != nil {
		return err
	}
	file, err := program.Memfd("minictr-copy")
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unix.SetNonblock(int(o.from.Fd()), false); err != nil { // O_NONBLOCK was for Go's poller
		return os.NewSyscallError("fcntl(F_SETFL)", err)
	}
	process, err := os.StartProcess(fmt.Sprintf("/proc/self/fd/%d", file.Fd()), []string{"minictr-copy"}, &os.ProcAttr{
		Dir: "/", Env: []string{}, Files: []*os.File{o.from, o.to}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return fmt.Errorf("copy the output of processes left behind: %w", err)
	}
	return errors.Join(o.from.Close(), process.Release())
}

// copyProgram returns the program that copies from descriptor 0 to 1.
func copyProgram() (*table.Program, error) {
	const (
		lines   = 11
		address = 0x1000000
		size    = 32 << 10
		access  = unix.PROT_READ | unix.PROT_WRITE
		mapping = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_FIXED_NOREPLACE
		all     = math.MaxUint64
	)
	l := table.NewList(lines)
	var (
		zero    = l.PutWords(0)
		buffer  = l.PutWords(address)
		written = l.PutWords(0)
		minus   = l.PutWords(0)                    // 0 - written
		ready   = l.PutWords(1 | unix.POLLOUT<<32) // struct pollfd (poll(2)) of descriptor 1
		from    = l.Arg("write", 1)                // the bytes to write
		length  = l.Arg("write", 2)                // their number
		name    = l.PutString("minictr-copy")      // for ps(1)
		call    = func(number uint64, to uint64, args ...uint64) table.Line {
			return table.Line{Number: number, Args: args, To: to}
		}
	)
	l.Add("", call(unix.SYS_CLOSE_RANGE, 0, 2, math.MaxUint32, 0), table.Follow{})
	l.Add("", call(unix.SYS_MMAP, 0, address, size, access, mapping, all, 0), table.Follow{})
	l.Add("", call(unix.SYS_PRCTL, 0, unix.PR_SET_NAME, name), table.Follow{})
	l.Add("read", call(unix.SYS_READ, length, 0, address, size), table.Follow{Zero: "exit", Else: "exit"})
	l.Add("", call(table.Difference, from, buffer, zero, all), table.Follow{})
	// a descriptor with O_NONBLOCK takes a part, or nothing (EAGAIN)
	l.Add("poll", call(unix.SYS_PPOLL, 0, ready, 1, 0, 0, 0), table.Follow{Else: "exit"})
	write := call(unix.SYS_WRITE, written, 1, 0, 0)
	write.Accept = []unix.Errno{unix.EAGAIN}
	l.Add("write", write, table.Follow{Else: "poll"})
	// results from -4095 to -1 count as errors
	l.Add("", call(table.Difference, minus, zero, written, all), table.Follow{Else: "move"})
	l.Add("move", call(table.Difference, from, from, minus, all), table.Follow{})
	l.Add("", call(table.Difference, length, length, written, all), table.Follow{Then: "poll", Zero: "read"})
	l.Add("exit", call(unix.SYS_EXIT_GROUP, 0, 0), table.Follow{})
	return l.Program, l.End()
}
