package inspect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container"
	"golang.org/x/sys/unix"
)

// Summary is a container, and what was true of it when it was listed.
type Summary struct {
	*container.Container
	State          container.State
	Err            error  // why not all of it can be read, or nil
	Command        string // what its process executes, in one line as docker's
	Mounts         []MountPoint
	Written, Whole int64 // bytes in files: those it has changed, and with its image's; if Query.Size
}

// Query says which containers are to be listed. Only those that have a process, or
// are about to, are; unless All of them are, or the Last ones that were made, or
// a filter speaks of how they are.
type Query struct {
	All     bool
	Last    int      // 0: no limit
	Filters []string // as docker's --filter takes them: NAME=VALUE
	Size    bool     // measure its files
}

// List lists the containers in the store at root, the newest first. One that cannot be
// read is an error besides.
func List(root string, q Query) ([]Summary, error) {
	all, broken, err := container.All(root)
	if err != nil {
		return nil, err
	}
	f, err := ParseFilters(q.Filters, all, root, psFilters)
	if err != nil {
		return nil, err
	}
	var list []Summary
	var failed []error
	add := func(l Summary, err error) {
		if err != nil {
			if !l.Has("image") { // it was removed since
				return
			}
			failed = append(failed, l.About(err))
			l.Err = err
		}
		if q.shows(&l, f) && f.Choose(&l) && (q.Last == 0 || len(list) < q.Last) {
			list = append(list, l)
		}
	}
	for _, c := range all {
		add(q.look(c, f))
	}
	for _, b := range broken { // they do not say how old they are
		add(Summary{Container: b.Container, State: container.State{Status: container.Dead}}, b.Err)
	}
	return list, errors.Join(failed...)
}

// shows tells whether a container that is so is asked for.
func (q *Query) shows(l *Summary, f Filters) bool {
	return q.All || q.Last > 0 || f.has("status") || f.has("exited") || l.State.Active() || l.State.Status == container.Restarting
}

// look looks at a container: at no more than its state, if it is not asked for.
func (q *Query) look(c *container.Container, f Filters) (l Summary, err error) {
	l.Container = c
	if l.State, err = c.State(); err != nil {
		l.State = container.State{Status: container.Dead}
		return l, err
	}
	if !q.shows(&l, f) {
		return l, nil
	}
	spec, err := c.Spec()
	if err != nil {
		if !l.State.Active() {
			l.State.Status = container.Dead
		}
		return l, err
	}
	l.Command, l.Mounts = commandText(spec.Process.Args), mountPoints(c, spec)
	if q.Size && f.Choose(&l) {
		l.Written, l.Whole, err = Size(c)
	}
	return l, err
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

// StatusText tell the state as docker does: "Up 3 minutes (healthy)".
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

// Reason tells in a line what the exit code does not, "" if that is all there is
// to tell, or if the container lives. A brief one leaves out how a system call was
// made that failed.
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
		return abridge(e.Error)
	case e.Error != "":
		return strings.Join(strings.Fields(e.Error), " ")
	case e.OOM != nil && e.Signal == unix.SIGKILL:
		return "out of memory" + at
	case e.OOM != nil:
		return "processes of it were killed, out of memory" + at
	case e.Signal != 0 && e.Signal == e.StoppedBy:
		return "stopped with " + unix.SignalName(e.Signal)
	case e.Signal != 0:
		return "killed by " + unix.SignalName(e.Signal)
	}
	return ""
}

// abridge makes execve("/bin/x"): no such file of
// execve("/bin/x", ["x"], ["PATH=/bin"]): no such file (step 3 of 3: become it).
func abridge(text string) string {
	text, _, _ = strings.Cut(strings.Join(strings.Fields(text), " "), " (step ")
	call, failed, ok := strings.Cut(text, "): ")
	first, _, more := strings.Cut(call, ", ")
	if ok && more {
		return first + "): " + failed
	}
	return text
}

// Network is what the container is connected to.
func Network(c *container.Container) string {
	if network := c.Settings.Options.Network; network != "" {
		return network
	}
	return "none"
}
