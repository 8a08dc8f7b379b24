package main

// Filters of images, with docker's names: those of images and of image prune.

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
)

// imageTest reports whether a filter matches an image.
type imageTest func(*images.Image) bool

// imageFilters are names of filters, with the function that parses the value of each.
type imageFilters []struct {
	name string
	read func(store *images.Store, value string) (imageTest, error)
}

// listFilters are the filters of images.
var listFilters = imageFilters{
	{"before", createdBefore}, {"dangling", dangling}, {"label", labelled}, {"reference", named},
	{"since", createdAfter}, {"until", createdUntil},
}

// pruneFilters are the filters of image prune.
var pruneFilters = imageFilters{{"label", labelled}, {"label!", notLabelled}, {"until", createdUntil}}

// parse parses words of --filter, NAME=VALUE. An image matches if it matches every name:
// all values of a label, and one value of any other name, as in docker.
func (known imageFilters) parse(store *images.Store, words []string) (imageTest, error) {
	tests := make(map[string][]imageTest)
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, hint.New(fmt.Errorf("--filter %q: no value", word), "write NAME=VALUE, as in label=tier=web")
		}
		t, err := known.test(store, name, value)
		if err != nil {
			return nil, fmt.Errorf("--filter %q: %w", word, err)
		}
		tests[name] = append(tests[name], t)
	}
	return func(image *images.Image) bool {
		for name, tests := range tests {
			fails := func(t imageTest) bool { return !t(image) }
			if all := strings.HasPrefix(name, "label"); all && slices.ContainsFunc(tests, fails) ||
				!all && !slices.ContainsFunc(tests, func(t imageTest) bool { return t(image) }) {
				return false
			}
		}
		return true
	}, nil
}

func (known imageFilters) test(store *images.Store, name, value string) (imageTest, error) {
	var names []string
	for _, f := range known {
		if f.name == name {
			return f.read(store, value)
		}
		names = append(names, f.name)
	}
	return nil, hint.New(errors.New("no such filter"), "use one of "+strings.Join(names, ", "))
}

func dangling(_ *images.Store, value string) (imageTest, error) {
	want, err := strconv.ParseBool(value)
	if err != nil {
		return nil, hint.New(errors.New("not a valid value"), "use true or false")
	}
	return func(i *images.Image) bool { return (i.Name == "") == want }, nil
}

func labelled(_ *images.Store, value string) (imageTest, error) {
	name, want, given := strings.Cut(value, "=")
	return func(i *images.Image) bool {
		have, ok := i.Config.Config.Labels[name]
		return ok && (!given || have == want)
	}, nil
}

func notLabelled(store *images.Store, value string) (imageTest, error) {
	has, err := labelled(store, value)
	return func(i *images.Image) bool { return !has(i) }, err
}

// named matches NAME or NAME:TAG, which may be patterns as in path.Match.
func named(_ *images.Store, pattern string) (imageTest, error) {
	_, err := path.Match(pattern, "")
	return func(i *images.Image) bool {
		if i.Name == "" {
			return false
		}
		familiar := images.Familiar(i.Name)
		repository, _ := images.Split(familiar)
		byName, _ := path.Match(pattern, repository)
		byTag, _ := path.Match(pattern, familiar)
		return byName || byTag
	}, err
}

func createdBefore(store *images.Store, name string) (imageTest, error) {
	other, err := store.Image(name)
	return func(i *images.Image) bool { return i.Created().Before(other.Created()) }, err
}

func createdAfter(store *images.Store, name string) (imageTest, error) {
	other, err := store.Image(name)
	return func(i *images.Image) bool { return i.Created().After(other.Created()) }, err
}

func createdUntil(_ *images.Store, value string) (imageTest, error) {
	t, err := logs.ParseTime(value, time.Now())
	return func(i *images.Image) bool { return i.Created().Before(t) }, err
}
