package inspect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/signals"
	"golang.org/x/sys/unix"
)

// Summary is a container in a list, with its state at that moment.
type Summary struct {
	*container.Container
	State          container.State
	Err            error  // why it cannot be read completely, or nil
	Command        string // the command line of its process, as docker prints it
	Mounts         []MountPoint
	Written, Whole int64 // if Query.Size: bytes in the files it has changed, and in these and the image's
}

func commandText(args []string) string {
	words := slices.Clone(args)
	for i, word := range words {
		if i > 0 && strings.Contains(word, " ") {
			words[i] = "'" + word + "'"
		}
	}
	return strings.Join(words, " ")
}

// StatusText returns the state as docker prints it: "Up 3 minutes (healthy)".
func StatusText(s *container.State, now time.Time) string {
	since := func(t time.Time) string { return units.HumanDuration(now.Sub(t)) }
	switch s.Status {
	case container.Running:
		if words := healthText(s.Health); words != "" {
			return fmt.Sprintf("Up %s (%s)", since(s.Started), words)
		}
		return "Up " + since(s.Started)
	case container.Paused:
		return fmt.Sprintf("Up %s (Paused)", since(s.Started))
	case container.Restarting:
		return fmt.Sprintf("Restarting (%d) %s ago", s.ExitStatus.ExitCode, since(s.ExitStatus.Finished))
	case container.Exited:
		return fmt.Sprintf("Exited (%d) %s ago", s.ExitStatus.ExitCode, since(s.ExitStatus.Finished))
	case container.Dead:
		return "Dead"
	}
	return "Created"
}

func healthText(h *container.Health) string {
	switch {
	case h == nil || h.Status == "none":
		return ""
	case h.Status == "starting":
		return "health: starting"
	}
	return h.Status
}

// Reason returns, in one line, why the container exited: an error, a signal, the memory
// limit. It is "" if the exit code says all, or while the container is active. A brief
// reason leaves out the arguments of a system call that failed.
func Reason(s *container.State, brief bool) string {
	e := s.ExitStatus
	if e == nil || s.Active() || s.Status == container.Dead {
		return ""
	}
	at := ""
	if e.OOM != nil && e.OOM.Limit > 0 {
		at = " at the limit of " + units.BytesSize(float64(e.OOM.Limit))
	}
	switch {
	case e.Error != "" && brief:
		return shorten(e.Error)
	case e.Error != "":
		return strings.Join(strings.Fields(e.Error), " ")
	case e.OOM != nil && e.Signal == unix.SIGKILL:
		return "out of memory" + at
	case e.OOM != nil:
		return "processes were killed: out of memory" + at
	case e.Signal != 0 && e.Signal == e.StoppedBy:
		return "killed by " + signals.Name(e.Signal) + ", sent by minictr"
	case e.Signal != 0:
		return "killed by " + signals.Name(e.Signal)
	}
	return ""
}

// shorten returns execve("/bin/x"): no such file for
// execve("/bin/x", ["x"], ["PATH=/bin"]): no such file (step 3 of 3: become it).
func shorten(text string) string {
	text, _, _ = strings.Cut(strings.Join(strings.Fields(text), " "), " (step ")
	call, failed, ok := strings.Cut(text, "): ")
	first, _, more := strings.Cut(call, ", ")
	if ok && more {
		return first + "): " + failed
	}
	return text
}

// Network returns the network of the container: none or host.
func Network(c *container.Container) string {
	if network := c.Settings.Options.Network; network != "" {
		return network
	}
	return "none"
}
