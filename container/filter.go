package container

// Filters, in docker's words: NAME=VALUE. Of several values for one name one has to
// be true, of labels all; and every name that is given.

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
)

// test tells whether a container is one that a filter names.
type test func(*Listed) bool

// filters are the tests of each name.
type filters map[string][]test

func (f filters) has(name string) bool { return len(f[name]) > 0 }

func (f filters) choose(l *Listed) bool {
	for name, tests := range f {
		holds := func(t test) bool { return t(l) }
		if strings.HasPrefix(name, "label") {
			if slices.ContainsFunc(tests, func(t test) bool { return !t(l) }) {
				return false
			}
		} else if !slices.ContainsFunc(tests, holds) {
			return false
		}
	}
	return true
}

// reading is what it takes to read filters.
type reading struct {
	root string
	all  []*Container
	now  time.Time
}

// vocabulary are the names of filters, in order, and how the value of each is read.
type vocabulary []struct {
	name string
	read func(*reading, string) (test, error)
}

var psFilters = vocabulary{
	{"ancestor", (*reading).ancestor},
	{"before", (*reading).before},
	{"exited", (*reading).exited},
	{"health", (*reading).health},
	{"id", (*reading).id},
	{"label", (*reading).label},
	{"name", (*reading).name},
	{"network", (*reading).network},
	{"since", (*reading).since},
	{"status", (*reading).status},
	{"volume", (*reading).volume},
}

var pruneFilters = vocabulary{
	{"label", (*reading).label},
	{"label!", (*reading).noLabel},
	{"until", (*reading).until},
}

// parseFilters reads words of --filter for containers of all.
func parseFilters(words []string, all []*Container, root string, known vocabulary) (filters, error) {
	r := &reading{root, all, time.Now()}
	f := filters{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, hint.New(fmt.Errorf("--filter %q: no value", word), "write NAME=VALUE, as in label=tier=web")
		}
		t, err := known.read(r, name, value)
		if err != nil {
			return nil, fmt.Errorf("--filter %q: %w", word, err)
		}
		f[name] = append(f[name], t)
	}
	return f, nil
}

func (v vocabulary) read(r *reading, name, value string) (test, error) {
	var names []string
	for _, f := range v {
		if f.name == name {
			return f.read(r, value)
		}
		names = append(names, f.name)
	}
	return nil, hint.New(errors.New("no such filter"), "there are "+strings.Join(names, ", "))
}

// oneOf refuses a value that no container can have.
func oneOf(value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return hint.New(errors.New("no container is ever that"), "it is one of "+strings.Join(known, ", "))
}

func (r *reading) id(value string) (test, error) {
	return func(l *Listed) bool { return strings.HasPrefix(l.ID, value) }, nil
}

// name: docker's users write ^/web$ as well as ^web$.
func (r *reading) name(value string) (test, error) {
	pattern, err := regexp.Compile(value)
	return func(l *Listed) bool { return pattern.MatchString(l.Name) || pattern.MatchString("/"+l.Name) }, err
}

func (r *reading) label(value string) (test, error) {
	name, want, given := strings.Cut(value, "=")
	return func(l *Listed) bool {
		have, ok := l.Settings.Labels[name]
		return ok && (!given || have == want)
	}, nil
}

func (r *reading) noLabel(value string) (test, error) {
	has, err := r.label(value)
	return func(l *Listed) bool { return !has(l) }, err
}

func (r *reading) status(value string) (test, error) {
	if value == "removing" {
		return func(*Listed) bool { return false }, nil // docker's; here it takes no time
	}
	err := oneOf(value, string(Created), string(Restarting), string(Running), string(Paused), string(Exited), string(Dead))
	return func(l *Listed) bool { return l.State.Status == Status(value) }, err
}

func (r *reading) exited(value string) (test, error) {
	code, err := strconv.Atoi(value)
	if err != nil {
		return nil, errors.New("not an exit code")
	}
	return func(l *Listed) bool { return l.State.Status == Exited && l.State.End.ExitCode == code }, nil
}

func (r *reading) health(value string) (test, error) {
	err := oneOf(value, "starting", "healthy", "unhealthy", "none")
	return func(l *Listed) bool {
		if h := l.State.Health; h != nil && h.Status != "" {
			return h.Status == value
		}
		return value == "none"
	}, err
}

func (r *reading) network(value string) (test, error) {
	return func(l *Listed) bool { return l.Network() == value }, nil
}

func (r *reading) volume(value string) (test, error) {
	return func(l *Listed) bool {
		return slices.ContainsFunc(l.Mounts, func(m MountPoint) bool {
			return m.Destination == value || m.Source == value
		})
	}, nil
}

// ancestor: the container's layers begin with those of the image, so the image
// may also be the one that its own was built on.
func (r *reading) ancestor(value string) (test, error) {
	store, err := images.Open(r.root)
	if err != nil {
		return nil, err
	}
	image, err := store.Image(value)
	if err != nil {
		return nil, err
	}
	n := len(image.Layers)
	return func(l *Listed) bool {
		return len(l.Settings.Layers) >= n && slices.Equal(l.Settings.Layers[:n], image.Layers)
	}, nil
}

func (r *reading) before(value string) (test, error) {
	other, err := r.find(value)
	return func(l *Listed) bool { return l.Settings.Created.Before(other.Settings.Created) }, err
}

func (r *reading) since(value string) (test, error) {
	other, err := r.find(value)
	return func(l *Listed) bool { return l.Settings.Created.After(other.Settings.Created) }, err
}

// find finds a container by its name, its id or the beginning of its id.
func (r *reading) find(value string) (*Container, error) {
	var found []*Container
	for _, c := range r.all {
		if c.Name == value {
			return c, nil
		}
		if value != "" && strings.HasPrefix(c.ID, value) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return nil, errNotExist
	case 1:
		return found[0], nil
	}
	return nil, errors.New("several ids begin so")
}

func (r *reading) until(value string) (test, error) {
	t, err := logs.ParseTime(value, r.now)
	return func(l *Listed) bool { return l.Settings.Created.Before(t) }, err
}
