package container

import (
	"maps"
	"strconv"
	"time"

	"github.com/minictr/minictr/events"
	"golang.org/x/sys/unix"
)

// Event writes an event of the container, in docker's words, to the store's journal. Its
// attributes are the container's labels, image and name, and these pairs of name and value.
func (c *Container) Event(action string, pairs ...string) {
	if c.Name == "" {
		c.Name = NameOf(c)
	}
	attributes := make(map[string]string)
	maps.Copy(attributes, c.Settings.Labels)
	attributes["image"], attributes["name"] = c.Settings.Image, c.Name
	for i := 0; i+1 < len(pairs); i += 2 {
		attributes[pairs[i]] = pairs[i+1]
	}
	events.Append(c.StoreRoot, events.Container, action, events.Actor{ID: c.ID, Attributes: attributes})
}

// KillEvent is the event of a signal to the container's process, which runs. It is written
// before the signal is sent: it precedes the event of the exit, which another process writes.
func (c *Container) KillEvent(sig unix.Signal) { c.Event("kill", "signal", strconv.Itoa(int(sig))) }

// DieEvent is the event of a task that exited. Whether memory ran out is known only then.
func (c *Container) DieEvent(exit *ExitStatus) {
	if exit.OOM != nil {
		c.Event("oom")
	}
	pairs := []string{"exitCode", strconv.Itoa(exit.ExitCode)}
	if !exit.Started.IsZero() {
		pairs = append(pairs, "execDuration", strconv.Itoa(max(0, int(exit.Duration()/time.Second))))
	}
	c.Event("die", pairs...)
}

// recoverDieEvent writes the event of an exit unless it is in the journal: the process that
// records an exit may be killed before or after it.
func (c *Container) recoverDieEvent(exit *ExitStatus) {
	told := func(e *events.Event) bool { return e.Action == "die" && !e.At().Before(exit.Started) }
	if exit.Started.IsZero() || !c.told(told) {
		c.recoverEvent(func() { c.DieEvent(exit) })
	}
}

// recoverDestroyEvent writes the event of a container that is being removed, unless it is in
// the journal. What has never been created is not destroyed.
func (c *Container) recoverDestroyEvent() {
	created := c.Has("image") || c.told(func(e *events.Event) bool { return e.Action == "create" })
	if created && !c.told(func(e *events.Event) bool { return e.Action == "destroy" }) {
		c.recoverEvent(func() { c.Event("destroy") })
	}
}

// recoverEvent writes an event of a container whose settings, which may be lost, are not
// read yet.
func (c *Container) recoverEvent(write func()) {
	c.ReadJSON("settings.json", &c.Settings)
	write()
}

// told reports whether the journal has such an event of the container.
func (c *Container) told(match func(*events.Event) bool) (found bool) {
	events.Of(c.StoreRoot, c.ID, func(e *events.Event) { found = found || match(e) })
	return found
}
