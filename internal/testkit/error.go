package testkit

import (
	"strings"
	"testing"
)

// WantError fails the test unless err has a text in its message.
func WantError(t testing.TB, what string, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: got %v, want an error with %q", what, err, text)
	}
}
