// Package filter parses words of --filter, NAME=VALUE, as docker's commands take them.
package filter

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
)

// Test reports whether a value of a filter matches an item.
type Test[T any] func(T) bool

// Table lists the names of a command's filters, with the function that parses the value of
// each. C is what a value may refer to.
type Table[C, T any] []struct {
	Name string
	Read func(C, string) (Test[T], error)
}

// Filters holds the tests of each filter name.
type Filters[T any] map[string][]Test[T]

// Parse parses words of --filter. Example is one of the table's, for a hint.
func (t Table[C, T]) Parse(words []string, context C, example string) (Filters[T], error) {
	f := Filters[T]{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, hint.New(fmt.Errorf("--filter %q: no value", word), "write NAME=VALUE, as in "+example)
		}
		test, err := t.read(context, name, value)
		if err != nil {
			return nil, fmt.Errorf("--filter %q: %w", word, err)
		}
		f[name] = append(f[name], test)
	}
	return f, nil
}

func (t Table[C, T]) read(context C, name, value string) (Test[T], error) {
	var names []string
	for _, f := range t {
		if f.Name == name {
			return f.Read(context, value)
		}
		names = append(names, f.Name)
	}
	return nil, hint.New(errors.New("no such filter"), "use one of "+strings.Join(names, ", "))
}

// Has reports whether there is a filter of this name.
func (f Filters[T]) Has(name string) bool { return len(f[name]) > 0 }

// Match reports whether an item matches every name: all tests of a label, and one test of
// any other name, as in docker.
func (f Filters[T]) Match(item T) bool {
	for name, tests := range f {
		matches := func(test Test[T]) bool { return test(item) }
		fails := func(test Test[T]) bool { return !test(item) }
		if all := strings.HasPrefix(name, "label"); all && slices.ContainsFunc(tests, fails) ||
			!all && !slices.ContainsFunc(tests, matches) {
			return false
		}
	}
	return true
}

// Label returns the test of label=NAME or label=NAME=VALUE for items with labels.
func Label[T any](labels func(T) map[string]string, value string) Test[T] {
	name, want, given := strings.Cut(value, "=")
	return func(item T) bool {
		have, ok := labels(item)[name]
		return ok && (!given || have == want)
	}
}
