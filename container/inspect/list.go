package inspect

import (
	"errors"

	"github.com/minictr/minictr/container"
)

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
		if q.shows(&l, f) && f.Match(&l) && (q.Last == 0 || len(list) < q.Last) {
			list = append(list, l)
		}
	}
	for _, c := range all {
		add(q.read(c, f))
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

// read looks at a container: at no more than its state, if it is not asked for.
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
