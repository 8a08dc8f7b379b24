// Package stdio connects a container's standard streams to ours.
//
// A pipe or a socket is handed over as it is: the container reads and writes it
// without us, so `tar c . | minictr run -i … tar x` runs at the speed of the two
// tars. Nothing else is. Who holds a terminal may read what is typed for others, or
// push characters into it (ioctl_tty(2), TIOCSTI), even through standard output.
// Who holds a file or a device of the host's may change its owner and its mode
// (fchmod(2)), and open it anew as /proc/self/fd/0, to write what was lent for
// reading. So in front of those stands a pipe (copy.go), or, with a terminal of the
// container's own, a pair (terminal.go). What leads nowhere, null(4), is no one's:
// the container has its own.
//
// A process that outlives us cannot have its streams copied by us. An engine that
// creates a container answers for what it gives it (Inherit).
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

// Streams are the three on their way to a container.
type Streams struct {
	Given map[plan.Ref]int // descriptors for walk.Start
	Made  [3]bool          // for plan.Options.Stdio
	Null  [3]bool          // for plan.Options.Null

	theirs  []*os.File // ends that go to the child
	lent    []loan     // pipes of ours that the container's user owns meanwhile
	input   *Input     // what we copy to it, nil for nothing
	outputs []*output  // what we copy from it
	raw     console.Console
	peer    *os.File // of the container's terminal, held as long as its process lives
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
		if err := s.open(fd, ours, interactive, uid); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *Streams) open(fd int, ours *os.File, interactive bool, uid uint32) error {
	switch {
	case fd == 0 && !interactive || isNull(ours):
		s.Null[fd] = true
		return nil
	case Passes(ours):
		return s.lend(ours, uid)
	case fd == 0:
		return s.openInput(ours, uid)
	}
	return s.openOutput(fd, ours, uid)
}

// Inherit lets a process that outlives us have our streams as they are; pipes
// become those of uid, who may want to open them anew. It tells which lead nowhere.
func Inherit(uid uint32) (null [3]bool, err error) {
	s := &Streams{}
	for fd, ours := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		null[fd] = isNull(ours)
		if err := s.lend(ours, uid); err != nil {
			return null, err
		}
	}
	return null, nil
}

func (s *Streams) give(fd int, f *os.File) {
	unix.SetNonblock(int(f.Fd()), false) // that was for us; programs expect to wait
	s.Given[names[fd]], s.Made[fd] = int(f.Fd()), true
	s.theirs = append(s.theirs, f)
}

// Passes tells whether a stream is handed over as it is: a pipe(2), a socket, or one
// that is closed. Null is not, for the container has its own.
func Passes(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) != nil || st.Mode&unix.S_IFMT == unix.S_IFSOCK || isPipe(f)
}

// isPipe tells a pipe(2), which lives in a filesystem of its own, from a
// fifo(7) that anybody made.
func isPipe(f *os.File) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(int(f.Fd()), &st) == nil && st.Type == unix.PIPEFS_MAGIC
}

func isNull(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3)
}

// refuseFolder: nobody can read one as a stream, but walk from it to all the host's.
func refuseFolder(f *os.File) error {
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return fmt.Errorf("%s: it is a folder, a way out of the container", f.Name())
	}
	return nil
}

// lend lets a process that is not root open a pipe anew, as /dev/stdout: until
// Close the pipe belongs to uid. What has a name on disk keeps its owner.
func (s *Streams) lend(f *os.File, uid uint32) error {
	if err := refuseFolder(f); err != nil {
		return err
	}
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil || uid == 0 || !isPipe(f) || st.Uid == uid {
		return nil
	}
	if err := own(f, uid); err != nil {
		return err
	}
	s.lent = append(s.lent, loan{f, int(st.Uid)})
	return nil
}

func own(f *os.File, uid uint32) error {
	if err := unix.Fchown(int(f.Fd()), int(uid), -1); err != nil {
		return fmt.Errorf("fchown %s: %w", f.Name(), err)
	}
	return nil
}

// Started begins copying. terminal is our side of the container's, or nil.
func (s *Streams) Started(terminal *os.File, interactive bool) error {
	s.closeTheirs()
	if terminal != nil || len(s.outputs) > 0 {
		signal.Ignore(unix.SIGPIPE) // that a copy cannot be written is not our end
	}
	for _, o := range s.outputs {
		go o.copy()
	}
	if s.input != nil {
		s.input.Begin()
	}
	if terminal == nil {
		return nil
	}
	return s.startTerminal(terminal, interactive)
}

// Ended waits for the last output, and restores our terminal. The error tells what
// could not be read or written.
func (s *Streams) Ended() (err error) {
	s.letGo()
	limit := time.Now().Add(drain)
	for _, o := range s.outputs {
		err = errors.Join(err, o.finish(limit))
	}
	if s.input != nil {
		err = errors.Join(err, s.input.End())
	}
	s.Close()
	return err
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
