package stdio

// Terminals. In front of a process that has one stands ours: we hold one end of its
// pair, the process the other, and the bytes are copied between the two. Ours is in
// raw mode meanwhile, so that Ctrl-C is a byte that the container's terminal makes a
// signal of.

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/containerd/console"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// startTerminal begins to copy between the process's terminal and ours.
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

// Raw puts our terminal in raw mode, until Reset.
func Raw() (console.Console, error) {
	c, err := console.ConsoleFromFile(os.Stdin)
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	if err := c.SetRaw(); err != nil {
		return nil, fmt.Errorf("set the terminal to raw mode: %w", err)
	}
	// the container's terminal ends its lines with CR LF; ours adds no other CR
	if err := console.ClearONLCR(os.Stdin.Fd()); err != nil {
		return nil, errors.Join(fmt.Errorf("set the terminal to raw mode: %w", err), c.Reset())
	}
	return c, nil
}

// Peer is the other end of a terminal: the one that its processes have. As long as
// somebody holds it the terminal is not hung up when they have all closed it, and
// they may open it again, as an init(1) does for each line.
func Peer(terminal *os.File) (*os.File, error) {
	raw, err := terminal.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	var peerErr error
	if err := raw.Control(func(ours uintptr) { fd, peerErr = peer(ours) }); err != nil {
		return nil, err
	}
	if peerErr != nil {
		return nil, fmt.Errorf("ioctl(TIOCGPTPEER): %w", peerErr)
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

// Size is the size of our terminal's window.
func Size() (rows, columns uint16, ok bool) {
	for _, f := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil {
			return ws.Row, ws.Col, true
		}
	}
	return 0, 0, false
}

// Fit makes the terminal of a process that is to begin as large as our window,
// unless its config says how large it is.
func Fit(process *specs.Process) {
	if rows, columns, ok := Size(); ok && process.Terminal && process.ConsoleSize == nil {
		process.ConsoleSize = &specs.Box{Height: uint(rows), Width: uint(columns)}
	}
}

// Resize gives the container's terminal the size of ours.
func Resize(terminal *os.File) error {
	if rows, columns, ok := Size(); ok {
		return setSize(terminal, rows, columns)
	}
	return nil
}

// Redraw does so too, and tells the program even if that was the size before: it
// is another one for a moment.
func Redraw(terminal *os.File) error {
	if rows, columns, ok := Size(); ok {
		return errors.Join(setSize(terminal, rows+1, columns), setSize(terminal, rows, columns))
	}
	return nil
}

func setSize(terminal *os.File, rows, columns uint16) error {
	raw, err := terminal.SyscallConn()
	if err != nil {
		return err
	}
	ws := &unix.Winsize{Row: rows, Col: columns}
	var ioctlErr error
	err = raw.Control(func(fd uintptr) { ioctlErr = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, ws) })
	if err != nil {
		return err
	}
	return ioctlErr
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
