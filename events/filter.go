package events

import (
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/internal/filter"
)

// Filters holds the tests of each filter name.
type Filters = filter.Filters[*Event]

// table has the filters, as docker's, for what there is here.
var table = filter.Table[struct{}, *Event]{
	{Container, container}, {"event", action}, {Image, image}, {"label", label}, {"scope", scope}, {"type", kind},
	{Volume, volume},
}

// ParseFilters parses words of --filter, NAME=VALUE.
func ParseFilters(words []string) (Filters, error) {
	return table.Parse(words, struct{}{}, "event=die")
}

// container matches the beginning of an ID or a name.
func container(_ struct{}, value string) (filter.Test[*Event], error) {
	return func(e *Event) bool {
		return strings.HasPrefix(e.Actor.ID, value) || strings.HasPrefix(e.Actor.Attributes["name"], value)
	}, nil
}

// action matches an action; exec_create stands for any "exec_create: COMMAND".
func action(_ struct{}, value string) (filter.Test[*Event], error) {
	return func(e *Event) bool {
		kind, _, _ := strings.Cut(e.Action, ":")
		return value == e.Action || value == kind
	}, nil
}

// image matches the image of a container, or the image itself, with or without tag.
func image(_ struct{}, value string) (filter.Test[*Event], error) {
	return func(e *Event) bool {
		id, name := e.Actor.ID, e.Actor.Attributes[Image]
		if e.Type == Image {
			name = e.Actor.Attributes["name"]
		}
		return slices.Contains([]string{id, name, stripTag(id), stripTag(name)}, value)
	}, nil
}

func volume(_ struct{}, value string) (filter.Test[*Event], error) {
	return func(e *Event) bool { return e.Type == Volume && e.Actor.ID == value }, nil
}

func label(_ struct{}, value string) (filter.Test[*Event], error) {
	return filter.Label(func(e *Event) map[string]string { return e.Actor.Attributes }, value), nil
}

func scope(_ struct{}, value string) (filter.Test[*Event], error) {
	return func(e *Event) bool { return e.Scope == value }, nil
}

func kind(_ struct{}, value string) (filter.Test[*Event], error) {
	return func(e *Event) bool { return e.Type == value }, nil
}

// stripTag returns the name of an image without its tag or digest.
func stripTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	dir, base := path.Split(image)
	base, _, _ = strings.Cut(base, ":")
	return dir + base
}
