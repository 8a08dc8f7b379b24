package stdio

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/containerd/console"
	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Streams are the three standard streams of a process: Open or Detach, then
// Started, Ended and Close.
type Streams struct {
	FDs       map[plan.Ref]int // the container ends, for walk.Start
	Connected [3]bool          // which streams FDs has
	Null      [3]bool          // which streams are null(4)
	Steps     []plan.Step      // the calls that made pipes, for the reader of the plan

	planned bool // nothing is made

	containerEnds []*os.File    // closed once the process has them
	chowned       []chownedPipe // host ends that the container's user owns until Close
	input         *Input        // copied to the process, nil for none
	outputs       []*output     // copied from the process
	raw           console.Console
	peer          *os.File // of the container's terminal, open as long as the process runs
}

// chownedPipe is a pipe and its former owner.
type chownedPipe struct {
	pipe  *os.File
	owner int
}

var refs = [3]plan.Ref{"stdin", "stdout", "stderr"}

// Open connects standard streams of minictr, those of attach, to a process that runs as
// uid, a user ID on the host. The others are null(4). With tty no stream is connected: the
// plan makes the terminal.
func Open(attach [3]bool, tty bool, uid uint32) (*Streams, error) {
	s := &Streams{FDs: map[plan.Ref]int{}}
	return s, s.openAll(attach, tty, uid)
}

// Plan returns the streams that Open would connect, and makes none.
func Plan(attach [3]bool, tty bool, uid uint32) (*Streams, error) {
	s := &Streams{FDs: map[plan.Ref]int{}, planned: true}
	return s, s.openAll(attach, tty, uid)
}

func (s *Streams) openAll(attach [3]bool, tty bool, uid uint32) error {
	if tty {
		return nil
	}
	for fd, hostEnd := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if err := s.open(fd, hostEnd, attach[fd], uid); err != nil {
			s.Close()
			return err
		}
	}
	return nil
}

func (s *Streams) open(fd int, hostEnd *os.File, attach bool, uid uint32) error {
	switch {
	case !attach || isNull(hostEnd):
		s.Null[fd] = true
		return nil
	case Passes(hostEnd):
		return s.chownPipe(hostEnd, uid)
	case s.planned:
		return s.planPipe(fd, hostEnd, uid)
	case fd == 0:
		return s.openInput(hostEnd, uid)
	}
	return s.openOutput(fd, hostEnd, uid)
}

// Inherit passes the standard streams of minictr as they are to a process that
// outlives it and runs as uid, which becomes the owner of pipes (chownPipe). It reports
// which streams are null(4).
func Inherit(uid uint32) (null [3]bool, err error) {
	s := &Streams{}
	for fd, hostEnd := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		null[fd] = isNull(hostEnd)
		if err := s.chownPipe(hostEnd, uid); err != nil {
			return null, err
		}
	}
	return null, nil
}

func (s *Streams) connect(fd int, f *os.File) {
	unix.SetNonblock(int(f.Fd()), false) // O_NONBLOCK was for Go's poller; programs expect to block
	s.FDs[refs[fd]], s.Connected[fd] = int(f.Fd()), true
	s.containerEnds = append(s.containerEnds, f)
}

// Passes reports whether a stream is passed as it is: a pipe(2), a socket, or one that
// is closed.
func Passes(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) != nil || st.Mode&unix.S_IFMT == unix.S_IFSOCK || isPipe(f)
}

// isPipe reports whether f is a pipe(2), which is in a filesystem of its own, and not
// a fifo(7) with a name.
func isPipe(f *os.File) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(int(f.Fd()), &st) == nil && st.Type == unix.PIPEFS_MAGIC
}

func isNull(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3)
}

// refuseDir returns an error for a directory: openat(2) leads from it to all of the
// host's filesystem.
func refuseDir(f *os.File) error {
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return fmt.Errorf("%s: is a directory of the host: the container must not get it", f.Name())
	}
	return nil
}

// chownPipe makes uid the owner of a pipe until Close, so that a process that is not
// root can open it as /dev/stdout. A file with a name keeps its owner.
func (s *Streams) chownPipe(f *os.File, uid uint32) error {
	if err := refuseDir(f); err != nil {
		return err
	}
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil || uid == 0 || !isPipe(f) || st.Uid == uid {
		return nil
	}
	s.step("the process's user may open it as /dev/stdin, /dev/stdout or /dev/stderr", fchown(plan.Int(f.Fd()), uid))
	if s.planned {
		return nil
	}
	if err := chown(f, uid); err != nil {
		return err
	}
	s.chowned = append(s.chowned, chownedPipe{f, int(st.Uid)})
	return nil
}

func chown(f *os.File, uid uint32) error {
	if err := unix.Fchown(int(f.Fd()), int(uid), -1); err != nil {
		return fmt.Errorf("fchown %s: %w", f.Name(), err)
	}
	return nil
}

// Started begins to copy, once the process has its streams. terminal is the host end
// of its terminal, or nil.
func (s *Streams) Started(terminal *os.File, interactive bool) error {
	s.closeContainerEnds()
	if terminal != nil || len(s.outputs) > 0 {
		signal.Ignore(unix.SIGPIPE) // EPIPE ends one copy, not minictr
	}
	for _, o := range s.outputs {
		go o.copy()
	}
	if s.input != nil {
		s.input.Start()
	}
	if terminal == nil {
		return nil
	}
	return s.startTerminal(terminal, interactive)
}

// Ended waits for the last output of a process that has ended, up to 2 seconds, and
// closes the streams. The error is one of reading the input or writing the output.
func (s *Streams) Ended() (err error) {
	s.closePeer()
	limit := time.Now().Add(drain)
	for _, o := range s.outputs {
		err = errors.Join(err, o.finish(limit))
	}
	if s.input != nil {
		err = errors.Join(err, s.input.Finish())
	}
	s.Close()
	return err
}

// Close restores the mode of the host's terminal and the owners of pipes, and closes
// the container ends.
func (s *Streams) Close() {
	s.closeContainerEnds()
	s.closePeer()
	for _, l := range s.chowned {
		unix.Fchown(int(l.pipe.Fd()), l.owner, -1)
	}
	s.chowned = nil
	if s.raw != nil {
		s.raw.Reset()
		s.raw = nil
	}
}

func (s *Streams) closePeer() {
	if s.peer != nil {
		s.peer.Close()
		s.peer = nil
	}
}

func (s *Streams) closeContainerEnds() {
	for _, f := range s.containerEnds {
		f.Close()
	}
	s.containerEnds = nil
}
