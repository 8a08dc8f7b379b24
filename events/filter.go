package events

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
)

// Filters holds the values of each filter name. An event matches a name if it matches one
// of its values; of labels, all.
type Filters map[string][]string

// filterNames are the filters, as docker's, for what there is here.
var filterNames = []string{Container, "event", Image, "label", "scope", "type"}

// ParseFilters parses words of --filter, NAME=VALUE.
func ParseFilters(words []string) (Filters, error) {
	f := Filters{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, hint.New(fmt.Errorf("--filter %q: no value", word), "write NAME=VALUE, as in event=die")
		}
		if !slices.Contains(filterNames, name) {
			err := fmt.Errorf("--filter %q: %w", word, errors.New("no such filter"))
			return nil, hint.New(err, "use one of "+strings.Join(filterNames, ", "))
		}
		f[name] = append(f[name], value)
	}
	return f, nil
}

// Match reports whether an event matches all names.
func (f Filters) Match(e *Event) bool {
	name := e.Actor.Attributes["name"]
	return f.one("type", e.Type) && f.one("scope", e.Scope) && f.matchAction(e.Action) &&
		(f.prefix(Container, e.Actor.ID) || f.prefix(Container, name)) && f.matchImage(e) && f.matchLabels(e)
}

// one reports whether one of the filter's values is one of these.
func (f Filters) one(filter string, values ...string) bool {
	wanted := f[filter]
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(v string) bool { return slices.Contains(values, v) })
}

// prefix reports whether value begins with one of the filter's values.
func (f Filters) prefix(filter, value string) bool {
	wanted := f[filter]
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(v string) bool { return strings.HasPrefix(value, v) })
}

// matchAction compares the action; exec_create stands for any "exec_create: COMMAND".
func (f Filters) matchAction(action string) bool {
	kind, _, _ := strings.Cut(action, ":")
	return f.one("event", action, kind)
}

// matchImage compares the image of a container, or the image itself, with or without tag.
func (f Filters) matchImage(e *Event) bool {
	id, name := e.Actor.ID, e.Actor.Attributes[Image]
	if e.Type == Image {
		name = e.Actor.Attributes["name"]
	}
	return f.one(Image, id, name, stripTag(id), stripTag(name))
}

// stripTag returns the name of an image without its tag or digest.
func stripTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	dir, base := path.Split(image)
	base, _, _ = strings.Cut(base, ":")
	return dir + base
}

func (f Filters) matchLabels(e *Event) bool {
	return !slices.ContainsFunc(f["label"], func(label string) bool {
		name, want, given := strings.Cut(label, "=")
		have, ok := e.Actor.Attributes[name]
		return !ok || given && have != want
	})
}
