package stdio

// A pseudo-terminal in front of the host's: minictr has one end of the pair and the
// process the other (pty(7)), and the bytes are copied between that and the host's
// terminal. That is in raw mode meanwhile, so that Ctrl-C is a byte, which the
// container's terminal turns into a signal.

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/containerd/console"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// startTerminal begins to copy between the container's terminal and the host's.
func (s *Streams) startTerminal(terminal *os.File, interactive bool) (err error) {
	if s.peer, err = Peer(terminal); err != nil {
		return err
	}
	o := newOutput(os.Stdout, terminal, false)
	s.outputs = append(s.outputs, o)
	go o.copy()
	if !interactive {
		return nil
	}
	if IsTerminal(os.Stdin) {
		if s.raw, err = Raw(); err != nil {
			return err
		}
	}
	go io.Copy(terminal, os.Stdin)
	return nil
}

// Raw puts the terminal on standard input into raw mode, until Reset.
func Raw() (console.Console, error) {
	c, err := console.ConsoleFromFile(os.Stdin)
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	if err := c.SetRaw(); err != nil {
		return nil, fmt.Errorf("set the terminal to raw mode: %w", err)
	}
	// the container's terminal already ends lines with CR LF
	if err := console.ClearONLCR(os.Stdin.Fd()); err != nil {
		return nil, errors.Join(fmt.Errorf("set the terminal to raw mode: %w", err), c.Reset())
	}
	return c, nil
}

// Peer opens the other end of a pseudo-terminal, the one that its processes have
// (ioctl_tty(2), TIOCGPTPEER). While it is open the terminal is not hung up when
// they have all closed it: they may open it again, as init(1) does for each line.
func Peer(terminal *os.File) (*os.File, error) {
	fd := -1
	err := control(terminal, func(host uintptr) (err error) { fd, err = peer(host); return err })
	if err != nil {
		return nil, fmt.Errorf("ioctl(TIOCGPTPEER): %w", err)
	}
	return os.NewFile(uintptr(fd), "pts"), nil
}

func peer(terminal uintptr) (int, error) {
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, terminal, unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// Size returns the size of the host's terminal in characters; ok is false if no
// standard stream is a terminal.
func Size() (rows, columns uint16, ok bool) {
	for _, f := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil {
			return ws.Row, ws.Col, true
		}
	}
	return 0, 0, false
}

// SetConsoleSize sets the size of the process's terminal to that of the host's, unless
// the config sets it.
func SetConsoleSize(process *specs.Process) {
	if rows, columns, ok := Size(); ok && process.Terminal && process.ConsoleSize == nil {
		process.ConsoleSize = &specs.Box{Height: uint(rows), Width: uint(columns)}
	}
}

// Resize sets the size of the container's terminal to that of the host's.
func Resize(terminal *os.File) error {
	if rows, columns, ok := Size(); ok {
		return setSize(terminal, rows, columns)
	}
	return nil
}

// Redraw is Resize with another size for a moment, so that the program gets SIGWINCH
// even if the size is the same.
func Redraw(terminal *os.File) error {
	if rows, columns, ok := Size(); ok {
		return errors.Join(setSize(terminal, rows+1, columns), setSize(terminal, rows, columns))
	}
	return nil
}

func setSize(terminal *os.File, rows, columns uint16) error {
	size := &unix.Winsize{Row: rows, Col: columns}
	return control(terminal, func(fd uintptr) error { return unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size) })
}

// control calls do with the descriptor of f, which stays open meanwhile.
func control(f *os.File, do func(fd uintptr) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = do(fd) })
	return errors.Join(err, failed)
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
