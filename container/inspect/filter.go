package inspect

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
)

// test tells whether a container is one that a filter names.
type test func(*Summary) bool

// Filters are the tests of each name.
type Filters map[string][]test

func (f Filters) has(name string) bool { return len(f[name]) > 0 }

func (f Filters) Match(l *Summary) bool {
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

// filterParser is what it takes to read filters.
type filterParser struct {
	root string
	all  []*container.Container
	now  time.Time
}

// filterTable are the names of filters, in order, and how the value of each is read.
type filterTable []struct {
	name string
	read func(*filterParser, string) (test, error)
}

var psFilters = filterTable{
	{"ancestor", (*filterParser).ancestor},
	{"before", (*filterParser).before},
	{"exited", (*filterParser).exited},
	{"health", (*filterParser).health},
	{"id", (*filterParser).id},
	{"label", (*filterParser).label},
	{"name", (*filterParser).name},
	{"network", (*filterParser).network},
	{"since", (*filterParser).since},
	{"status", (*filterParser).status},
	{"volume", (*filterParser).volume},
}

var PruneFilters = filterTable{
	{"label", (*filterParser).label},
	{"label!", (*filterParser).noLabel},
	{"until", (*filterParser).until},
}

// ParseFilters reads words of --filter for containers of all.
func ParseFilters(words []string, all []*container.Container, root string, known filterTable) (Filters, error) {
	r := &filterParser{root, all, time.Now()}
	f := Filters{}
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

func (v filterTable) read(r *filterParser, name, value string) (test, error) {
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

func (r *filterParser) id(value string) (test, error) {
	return func(l *Summary) bool { return strings.HasPrefix(l.ID, value) }, nil
}

// name: docker's users write ^/web$ as well as ^web$.
func (r *filterParser) name(value string) (test, error) {
	pattern, err := regexp.Compile(value)
	return func(l *Summary) bool { return pattern.MatchString(l.Name) || pattern.MatchString("/"+l.Name) }, err
}

func (r *filterParser) label(value string) (test, error) {
	name, want, given := strings.Cut(value, "=")
	return func(l *Summary) bool {
		have, ok := l.Settings.Labels[name]
		return ok && (!given || have == want)
	}, nil
}

func (r *filterParser) noLabel(value string) (test, error) {
	has, err := r.label(value)
	return func(l *Summary) bool { return !has(l) }, err
}

func (r *filterParser) status(value string) (test, error) {
	if value == "removing" {
		return func(*Summary) bool { return false }, nil // docker's; here it takes no time
	}
	err := oneOf(value, string(container.Created), string(container.Restarting), string(container.Running), string(container.Paused), string(container.Exited), string(container.Dead))
	return func(l *Summary) bool { return l.State.Status == container.Status(value) }, err
}

func (r *filterParser) exited(value string) (test, error) {
	code, err := strconv.Atoi(value)
	if err != nil {
		return nil, errors.New("not an exit code")
	}
	return func(l *Summary) bool {
		return l.State.Status == container.Exited && l.State.ExitStatus.ExitCode == code
	}, nil
}

func (r *filterParser) health(value string) (test, error) {
	err := oneOf(value, "starting", "healthy", "unhealthy", "none")
	return func(l *Summary) bool {
		if h := l.State.Health; h != nil && h.Status != "" {
			return h.Status == value
		}
		return value == "none"
	}, err
}

func (r *filterParser) network(value string) (test, error) {
	return func(l *Summary) bool { return Network(l.Container) == value }, nil
}

func (r *filterParser) volume(value string) (test, error) {
	return func(l *Summary) bool {
		return slices.ContainsFunc(l.Mounts, func(m MountPoint) bool {
			return m.Destination == value || m.Source == value
		})
	}, nil
}

// ancestor: the container's layers begin with those of the image, so the image
// may also be the one that its own was built on.
func (r *filterParser) ancestor(value string) (test, error) {
	store, err := images.Open(r.root)
	if err != nil {
		return nil, err
	}
	image, err := store.Image(value)
	if err != nil {
		return nil, err
	}
	n := len(image.Layers)
	return func(l *Summary) bool {
		return len(l.Settings.Layers) >= n && slices.Equal(l.Settings.Layers[:n], image.Layers)
	}, nil
}

func (r *filterParser) before(value string) (test, error) {
	other, err := r.find(value)
	return func(l *Summary) bool { return l.Settings.Created.Before(other.Settings.Created) }, err
}

func (r *filterParser) since(value string) (test, error) {
	other, err := r.find(value)
	return func(l *Summary) bool { return l.Settings.Created.After(other.Settings.Created) }, err
}

// find finds a container by its name, its id or the beginning of its id.
func (r *filterParser) find(value string) (*container.Container, error) {
	var found []*container.Container
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
		return nil, container.ErrNotExist
	case 1:
		return found[0], nil
	}
	return nil, errors.New("several ids begin so")
}

func (r *filterParser) until(value string) (test, error) {
	t, err := logs.ParseTime(value, r.now)
	return func(l *Summary) bool { return l.Settings.Created.Before(t) }, err
}
