package events

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Types of events.
const (
	Container = "container"
	Image     = "image"
	Volume    = "volume"
)

// Event is an event in docker's JSON (Engine API, "Monitor events").
type Event struct {
	Status string `json:"status,omitempty"` // as Action; docker keeps three fields for old clients
	ID     string `json:"id,omitempty"`     // as Actor.ID
	From   string `json:"from,omitempty"`   // image of a container

	Type   string // Container, Image or Volume
	Action string // as "start", or "exec_create: COMMAND"
	Actor  Actor
	Scope  string `json:"scope"` // always "local"

	Time     int64 `json:"time"`     // seconds since 1970
	TimeNano int64 `json:"timeNano"` // nanoseconds since 1970
}

// Actor is what an event happened to.
type Actor struct {
	ID         string
	Attributes map[string]string // its labels, its name and more
}

// newEvent returns an event of this moment.
func newEvent(kind, action string, actor Actor) *Event {
	now := time.Now()
	e := &Event{
		Type: kind, Action: action, Actor: actor, Scope: "local", Time: now.Unix(), TimeNano: now.UnixNano(),
		Status: action, ID: actor.ID,
	}
	if kind == Container {
		e.From = actor.Attributes["image"]
	}
	return e
}

// line returns the event as a line of the journal.
func (e *Event) line() ([]byte, error) {
	line, err := json.Marshal(e, jsontext.AllowInvalidUTF8(true), json.Deterministic(true))
	return append(line, '\n'), err
}

// parse returns the event of a line. What a write that was cut off has left may precede it.
func parse(line []byte) (*Event, bool) {
	for {
		e := &Event{}
		if err := json.Unmarshal(line, e); err == nil && e.Type != "" {
			return e, true
		}
		if len(line) == 0 {
			return nil, false
		}
		next := bytes.Index(line[1:], []byte(`{"`))
		if next < 0 {
			return nil, false
		}
		line = line[1+next:]
	}
}

// At returns the time of the event.
func (e *Event) At() time.Time { return time.Unix(0, e.TimeNano) }

// String returns the event as docker events prints it.
func (e *Event) String() string {
	at := e.At().Format("2006-01-02T15:04:05.000000000Z07:00")
	text := fmt.Sprintf("%s %s %s %s", at, e.Type, e.Action, e.Actor.ID)
	var attributes []string
	for _, name := range slices.Sorted(maps.Keys(e.Actor.Attributes)) {
		attributes = append(attributes, name+"="+e.Actor.Attributes[name])
	}
	if attributes != nil {
		text += " (" + strings.Join(attributes, ", ") + ")"
	}
	return text
}
