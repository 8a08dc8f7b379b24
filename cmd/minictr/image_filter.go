package main

// Filters of images, with docker's names: those of images and of image prune.

import (
	"errors"
	"path"
	"strconv"
	"time"

	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/filter"
)

// imageTest reports whether a filter matches an image.
type imageTest = filter.Test[*images.Image]

// imageFilters are names of filters, with the function that parses the value of each.
type imageFilters = filter.Table[*images.Store, *images.Image]

// listFilters are the filters of images.
var listFilters = imageFilters{
	{"before", createdBefore}, {"dangling", dangling}, {"label", labelled}, {"reference", named},
	{"since", createdAfter}, {"until", createdUntil},
}

// pruneFilters are the filters of image prune.
var pruneFilters = imageFilters{{"label", labelled}, {"label!", notLabelled}, {"until", createdUntil}}

// filterExample is one of both.
const filterExample = "label=tier=web"

func dangling(_ *images.Store, value string) (imageTest, error) {
	want, err := strconv.ParseBool(value)
	if err != nil {
		return nil, hint.New(errors.New("not a valid value"), "use true or false")
	}
	return func(i *images.Image) bool { return (i.Name == "") == want }, nil
}

func labelled(_ *images.Store, value string) (imageTest, error) {
	return filter.Label(func(i *images.Image) map[string]string { return i.Config.Config.Labels }, value), nil
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
