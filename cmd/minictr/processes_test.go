package main

import "time"

// patience is how long a test waits for what should come at once.
const patience = 10 * time.Second

// within tells whether something comes in time.
func within(came func() bool) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if came() {
			return true
		}
	}
	return false
}
