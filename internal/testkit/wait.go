package testkit

import (
	"testing"
	"time"
)

// Timeout is how long a test waits for what should come at once.
const Timeout = time.Minute

// Within calls done every few milliseconds until it holds, and reports whether it
// did before Timeout.
func Within(done func() bool) bool {
	for end := time.Now().Add(Timeout); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if done() {
			return true
		}
	}
	return false
}

// Eventually fails the test unless done holds before Timeout.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	if !Within(done) {
		t.Fatalf("not within %v: %s", Timeout, what)
	}
}
