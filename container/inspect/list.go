package inspect

import (
	"errors"

	"github.com/minictr/minictr/container"
)

// Query selects containers to list: those that have a process or wait for a restart,
// unless All or Last is set, or a filter names a status or an exit code.
type Query struct {
	All     bool
	Last    int      // the newest ones; 0 means no limit
	Filters []string // NAME=VALUE, as docker's --filter
	Size    bool     // fill in Written and Whole
}

// List returns the containers in the store at root that q selects, the newest first. A
// container that cannot be read is in the list, with Err, and in the error.
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
	// a container that was removed meanwhile is left out
	add := func(l Summary, err error) {
		if err != nil {
			if !l.Has("image") {
				return
			}
			failed = append(failed, l.About(err))
			l.Err = err
		}
		if q.shows(&l, f) && f.Match(&l) && (q.Last == 0 || len(list) < q.Last) {
			list = append(list, l)
		}
	}
	for _, c := range all {
		add(q.read(c, f))
	}
	for _, b := range broken { // their age is unknown: they come last
		add(Summary{Container: b.Container, State: container.State{Status: container.Dead}}, b.Err)
	}
	return list, errors.Join(failed...)
}

// shows reports whether q selects containers in the state of l.
func (q *Query) shows(l *Summary, f Filters) bool {
	return q.All || q.Last > 0 || f.Has("status") || f.Has("exited") ||
		l.State.Active() || l.State.Status == container.Restarting
}

// read returns the summary of a container: of its state alone, if q does not select it.
func (q *Query) read(c *container.Container, f Filters) (l Summary, err error) {
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
	if q.Size && f.Match(&l) {
		l.Written, l.Whole, err = Size(c)
	}
	return l, err
}
