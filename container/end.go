package container

// How a life ended, and why: end.json. It is written before anything of that
// life is removed, so that a question for it always has an answer.

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/docker/go-units"
	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// End is the end of a container's last life.
type End struct {
	Lives    int       // how many there have been
	Restarts int       // how many of them began by themselves since somebody started it
	Quick    int       // how many of those in a row ended soon, this one too
	Started  time.Time // zero if it could not be started
	Finished time.Time

	ExitCode int         // as a shell tells it
	Signal   unix.Signal // that killed it, 0 for none
	OOM      *cgroup.OOM // nil: it never needed more memory than it may have
	Asked    unix.Signal // to end, by somebody with this signal; 0 for none
	Error    string      // why it could not be started, or how it was lost
}

// newEnd is the end of the present life, told from what wait(2) said.
func (c *Container) newEnd(status unix.WaitStatus) *End {
	end := c.nextEnd()
	end.ExitCode = status.ExitStatus()
	if status.Signaled() {
		end.Signal = status.Signal()
		end.ExitCode = 128 + int(end.Signal)
	}
	return end
}

// nextEnd is one more than the last one, with what the kernel still knows.
func (c *Container) nextEnd() *End {
	end := &End{Finished: time.Now().UTC(), Asked: c.asked()}
	if last, err := c.End(); err == nil && last != nil {
		end.Lives, end.Restarts, end.Quick = last.Lives, last.Restarts, last.Quick
	}
	end.Lives++
	life, err := c.life()
	if err != nil {
		return end
	}
	end.Started = life.Record.Created
	if life.Record.Cgroup != "" {
		end.OOM = cgroup.ReadOOM(life.Record.Cgroup)
	}
	return end
}

// room is how large end.json is, in bytes: blanks make up for what it holds less.
const room = 4096

// reserve makes sure that there will be room for the end, even on a full disk.
func (c *Container) reserve() error {
	return os.WriteFile(c.path(".end.json"), bytes.Repeat([]byte(" "), room), 0o600)
}

// saveEnd writes it down, into what was reserved for it. It is on the disk before
// it has its name: a power cut leaves the one or the other.
func (c *Container) saveEnd(end *End) error {
	data, err := json.Marshal(end)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(c.path(".end.json"), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(append(data, bytes.Repeat([]byte(" "), max(0, room-len(data)))...)); err != nil {
		return err
	}
	if err := unix.Fdatasync(int(file.Fd())); err != nil {
		return fmt.Errorf("fdatasync %s: %w", file.Name(), err)
	}
	return os.Rename(c.path(".end.json"), c.path("end.json"))
}

// Lasted is how long that life was.
func (e *End) Lasted() time.Duration { return e.Finished.Sub(e.Started) }

// End is how the container's last life ended, nil if none has yet. That nobody can
// read it any more is an end, too.
func (c *Container) End() (*End, error) {
	end := &End{}
	err := c.read("end.json", end)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if isTorn(err) {
		end, err = &End{Error: "how it ended is not known: " + err.Error(), ExitCode: exitLost}, nil
		if file, statErr := os.Stat(c.path("end.json")); statErr == nil {
			end.Finished = file.ModTime()
		}
	}
	return end, err
}

// Why tells it in words.
func (e *End) Why() string {
	switch {
	case e.Error != "":
		return e.Error
	case e.Signal == unix.SIGKILL && e.OOM != nil:
		return fmt.Sprintf("killed by the kernel: out of memory%s", limit(e.OOM))
	case e.Signal != 0 && e.Signal == e.Asked:
		return fmt.Sprintf("stopped with %s", unix.SignalName(e.Signal))
	case e.Signal != 0:
		return fmt.Sprintf("killed by signal %d, %s", e.Signal, unix.SignalName(e.Signal))
	case e.OOM != nil:
		return fmt.Sprintf("exited with code %d; %d of its processes were killed for memory%s", e.ExitCode, e.OOM.Kills, limit(e.OOM))
	case e.ExitCode == 0:
		return "exited with code 0"
	}
	return fmt.Sprintf("exited with code %d", e.ExitCode)
}

func limit(oom *cgroup.OOM) string {
	if oom.Limit == 0 {
		return ": the machine had no more"
	}
	return fmt.Sprintf(" at the limit of %s (peak %s)", units.BytesSize(float64(oom.Limit)), units.BytesSize(float64(oom.Peak)))
}
