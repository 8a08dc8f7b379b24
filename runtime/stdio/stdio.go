// Package stdio connects a container's standard streams to ours.
//
// A stream that is a file or a pipe is handed over as it is: the container
// reads and writes it without us, so `tar c . | minictr run -i … tar x` runs
// at the speed of the two tars. A terminal is never handed over: whoever holds
// one may read what is typed for others, or push characters into it
// (ioctl_tty(2), TIOCSTI), even through standard output. So in front of a
// terminal there is either a pipe, or, with a terminal of the container's
// own, a pair: we hold one end, the process the other, and the bytes are
// copied between the two terminals. Ours is in raw mode meanwhile, so that
// Ctrl-C is a byte that the container's terminal makes a signal of.
//
// Where nobody takes the output any more, as after `| head -1`, the process is
// told as it would be without us: a pipe breaks (SIGPIPE), a terminal hangs up
// (SIGHUP, and EIO for who writes there nevertheless).
package stdio

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/containerd/console"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Streams are the three on their way to a container.
type Streams struct {
	Given map[plan.Ref]int // descriptors for walk.Start
	Made  [3]bool          // for plan.Options.Stdio

	theirs []*os.File     // ends that go to the child
	lent   []loan         // pipes of ours that the container's user owns meanwhile
	copies []func()       // what is to be copied once it runs
	output sync.WaitGroup // copies of output
	raw    console.Console
	peer   *os.File // of the container's terminal, held as long as its process lives
}

// loan is a pipe, and the user to give it back to.
type loan struct {
	pipe  *os.File
	owner int
}

var names = [3]plan.Ref{"stdin", "stdout", "stderr"}

// Open prepares the streams for a process that runs as uid, as the host counts.
// Without interactive standard input is empty. With tty nothing is needed
// here: the plan makes the terminal.
func Open(interactive, tty bool, uid uint32) (*Streams, error) {
	s := &Streams{Given: map[plan.Ref]int{}}
	if tty {
		return s, nil
	}
	for fd, ours := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		var err error
		switch {
		case fd == 0 && !interactive:
			err = s.empty()
		case IsTerminal(ours):
			err = s.pipe(fd, ours, uid)
		default:
			err = s.lend(ours, uid)
		}
		if err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// Inherit lets a process that outlives us have our streams as they are; pipes
// become those of uid, who may want to open them anew.
func Inherit(uid uint32) error {
	s := &Streams{}
	for _, ours := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if err := s.lend(ours, uid); err != nil {
			return err
		}
	}
	return nil
}

func (s *Streams) give(fd int, f *os.File) {
	unix.SetNonblock(int(f.Fd()), false) // that was for us; programs expect to wait
	s.Given[names[fd]], s.Made[fd] = int(f.Fd()), true
	s.theirs = append(s.theirs, f)
}

func (s *Streams) empty() error {
	f, err := os.Open(os.DevNull)
	if err == nil {
		s.give(0, f)
	}
	return err
}

// lend lets a process that is not root open a pipe anew, as /dev/stdout: until
// Close the pipe belongs to uid. A file keeps its owner, and so does a pipe
// that has a name on disk: those are the caller's, not the container's. A folder
// is not lent: nobody can read it as a stream, but walk from it to all the host's.
func (s *Streams) lend(f *os.File, uid uint32) error {
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil { // it is closed
		return nil
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return fmt.Errorf("%s: it is a folder, a way out of the container", f.Name())
	}
	if uid == 0 || !isPipe(f) || st.Uid == uid {
		return nil
	}
	if err := own(f, uid); err != nil {
		return err
	}
	s.lent = append(s.lent, loan{f, int(st.Uid)})
	return nil
}

// isPipe tells a pipe(2), which lives in a filesystem of its own, from a
// fifo(7) that anybody made.
func isPipe(f *os.File) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(int(f.Fd()), &st) == nil && st.Type == unix.PIPEFS_MAGIC
}

func own(f *os.File, uid uint32) error {
	if err := unix.Fchown(int(f.Fd()), int(uid), -1); err != nil {
		return fmt.Errorf("fchown %s: %w", f.Name(), err)
	}
	return nil
}

// pipe stands in front of the terminal ours.
func (s *Streams) pipe(fd int, ours *os.File, uid uint32) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	if err := own(w, uid); err != nil {
		return err
	}
	if fd == 0 {
		s.give(fd, r)
		s.copies = append(s.copies, func() { go copyAndClose(w, ours) })
		return nil
	}
	s.give(fd, w)
	s.copies = append(s.copies, func() { s.copyOutput(ours, r) })
	return nil
}

// drain is how long output is still read after the process has ended. Only a
// process outside the container's pid namespace could hold the pipe longer.
const drain = 2 * time.Second

func (s *Streams) copyOutput(to io.Writer, from *os.File) {
	s.output.Go(func() {
		_, err := io.Copy(to, from)
		var failed *fs.PathError
		if errors.As(err, &failed) && failed.Op == "write" {
			hangUp(from)
		}
	})
}

// hangUp closes our end for good. A terminal does not end with one descriptor
// of many, so its other side is hung up, as vhangup(2) does with one's own.
func hangUp(f *os.File) {
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		if peer, err := peer(fd); err == nil { // a terminal
			unix.IoctlSetInt(peer, unix.TIOCVHANGUP, 0)
			unix.Close(peer)
		}
	})
}

func copyAndClose(to io.WriteCloser, from io.Reader) {
	io.Copy(to, from)
	to.Close()
}

// Started begins copying. terminal is our side of the container's, or nil.
func (s *Streams) Started(terminal *os.File, interactive bool) error {
	s.closeTheirs()
	if terminal != nil || len(s.copies) > 0 {
		signal.Ignore(unix.SIGPIPE) // that a copy cannot be written is not our end
	}
	for _, c := range s.copies {
		c()
	}
	if terminal == nil {
		return nil
	}
	var err error
	if s.peer, err = Peer(terminal); err != nil {
		return err
	}
	s.copyOutput(os.Stdout, terminal)
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

// Ended waits for the last output and restores our terminal.
func (s *Streams) Ended() {
	s.letGo()
	done := make(chan struct{})
	go func() { s.output.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(drain):
	}
	s.Close()
}

// Close restores our terminal, gives back what was lent, and closes what was
// made for the child.
func (s *Streams) Close() {
	s.closeTheirs()
	s.letGo()
	for _, l := range s.lent {
		unix.Fchown(int(l.pipe.Fd()), l.owner, -1)
	}
	s.lent = nil
	if s.raw != nil {
		s.raw.Reset()
		s.raw = nil
	}
}

func (s *Streams) letGo() {
	if s.peer != nil {
		s.peer.Close()
		s.peer = nil
	}
}

func (s *Streams) closeTheirs() {
	for _, f := range s.theirs {
		f.Close()
	}
	s.theirs = nil
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
