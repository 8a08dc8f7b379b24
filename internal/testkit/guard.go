package testkit

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Picture is what a test might leave behind or change: a name, and its state.
type Picture map[string]string

// Guard takes a picture, and compares it with another when the test has ended.
func Guard(t testing.TB, look func() Picture) {
	t.Helper()
	before := look()
	t.Cleanup(func() { before.Same(t, look) })
}

// Same fails the test unless look sees the same again. The kernel may take a
// moment to end killed processes.
func (p Picture) Same(t testing.TB, look func() Picture) {
	t.Helper()
	var changes []string
	if !Within(func() bool { changes = p.Changes(look()); return len(changes) == 0 }) {
		t.Errorf("the host has changed:\n%s", strings.Join(changes, "\n"))
	}
}

// Changes lists what is gone, new or different.
func (p Picture) Changes(after Picture) (list []string) {
	for _, k := range slices.Sorted(maps.Keys(p)) {
		if v, ok := after[k]; !ok {
			list = append(list, fmt.Sprintf("gone:    %s", k))
		} else if v != p[k] {
			list = append(list, fmt.Sprintf("changed: %s: %q, was %q", k, v, p[k]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(after)) {
		if _, ok := p[k]; !ok {
			list = append(list, fmt.Sprintf("new:     %s: %q", k, after[k]))
		}
	}
	return list
}

// WalkDir visits the files below dir; one that is removed meanwhile is no error.
func WalkDir(dir string, visit func(path string, d fs.DirEntry) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return visit(path, d)
	})
}
