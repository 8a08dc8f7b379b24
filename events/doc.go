// Package events is the journal of a store: what happened to its containers and images, in
// docker's JSON (docker events).
//
// There is no daemon. Each command that changes something appends an event for it to a
// file of the store, and whoever wants to know follows that file:
//
//	events/events.json    one event a line
//	events/events.1.json  the lines before, once the first file has reached its maximum
//
// Rules:
//
//   - An event is written after what it tells (but for kill): it is true even if the command
//     is killed next. What recovery finds of a killed command, it tells in its place
//     (container/recover.go).
//   - An event is one write(2) in append mode: the lines of concurrent commands do not mix.
//   - The journal never makes a command fail. What a full disk or a read-only store does
//     not take is lost. A line that was cut off spoils no other one.
//
// The package knows neither containers nor images.
//
// Read event.go, journal.go, follow.go, filter.go.
package events
