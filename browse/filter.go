package browse

import (
	"path"
	"strings"

	"github.com/minictr/minictr/layers/stack"
)

// A filter decides which paths are shown.
type filter struct {
	text  string // part of a name, or a pattern; of the path if it has a slash
	marks string // A, C, D, or "" for all
	only  bool   // only paths that the layer has or removes
}

// isEmpty reports whether all paths are shown.
func (f filter) isEmpty() bool { return f == filter{} }

// shows reports whether the filter selects a path. Since is the layer above which changes
// are shown.
func (f filter) shows(d *node, path string, since int) bool {
	switch {
	case f.marks != "" && !strings.ContainsRune(f.marks, rune(d.Mark)):
		return false
	case f.only && !d.Above(since):
		return false
	}
	return f.matches(d.Node.Name, path)
}

// matches reports whether a path has the text. Lower case letters match upper case ones
// if the text has no upper case.
func (f filter) matches(name, full string) bool {
	if f.text == "" {
		return true
	}
	if strings.Contains(f.text, "/") {
		name = full
	}
	if f.text == strings.ToLower(f.text) {
		name = strings.ToLower(name)
	}
	if strings.ContainsAny(f.text, "*?[") {
		matches, err := path.Match(f.text, name)
		return matches || err != nil && strings.Contains(name, f.text)
	}
	return strings.Contains(name, f.text)
}

// toggle shows only paths with this mark besides those chosen, or no longer.
func (f *filter) toggle(mark stack.Mark) {
	if one := string(rune(mark)); strings.Contains(f.marks, one) {
		f.marks = strings.ReplaceAll(f.marks, one, "")
	} else {
		f.marks += one
	}
}
