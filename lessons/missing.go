package lessons

import "fmt"

// Missing is what a check has not found in a student's result.
type Missing struct{ what, hint string }

func (m *Missing) Error() string { return m.what }

// Hint returns where to look for the answer. It is not the answer.
func (m *Missing) Hint() string { return m.hint }

// missing returns a Missing: what is not as it should be, and a hint.
func missing(hint, what string, args ...any) error { return &Missing{fmt.Sprintf(what, args...), hint} }
