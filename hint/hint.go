// Package hint carries advice beside an error.
//
// An error says what went wrong: the operation and its object. A hint says
// what the reader can do next. They are kept apart so that code compares and
// wraps errors as always, and only the command line, at the very end, prints
//
//	minictr: open image "ubuntu": not found
//	hint: load one with: minictr load -i FILE
package hint

import "errors"

type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }
func (h *hinted) Hint() string  { return h.hint }

// New returns err with a hint attached. A nil err stays nil. Of several hints
// in one chain the outermost counts: it knows most about what was asked.
func New(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hinted{err, hint}
}

// Of returns the hint in err's chain, or "" where there is none. An error type of
// another package has a hint by a method Hint.
func Of(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
