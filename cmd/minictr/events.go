package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/template"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/events"
	"github.com/urfave/cli/v2"
)

var eventsCommand = &cli.Command{
	Name:  "events",
	Usage: "print what happens to containers, images and volumes",
	Description: `Without --since and --until, it prints events from now on, until Ctrl-C. TIME
is a duration before now (10m), seconds since 1970, or 2006-01-02T15:04:05.

Filters are container=NAME|ID, event=ACTION, image=NAME, label=NAME[=VALUE],
scope, type and volume=NAME. A template has the fields .Type .Action .Actor.ID
.Actor.Attributes .Scope .Time .TimeNano and, of containers, .From.

Containers: attach, create, destroy, detach, die, exec_create, exec_die,
exec_start, export, health_status, kill, oom, pause, prune, rename, restart,
start, stop, unpause, update. Images: delete, import, load, prune, pull, push,
save, tag, untag. Volumes: create, destroy, prune. The end of exec --detach is
not recorded; oom comes with die.`,
	Flags: []cli.Flag{
		listFlag("filter", "`NAME=VALUE` print only events that match", "f"),
		&cli.StringFlag{Name: "format", Usage: "`FORMAT` json, or a Go template as in {{.Action}}"},
		&cli.StringFlag{Name: "since", Usage: "`TIME` also past events, from that time on"},
		&cli.StringFlag{Name: "until", Usage: "`TIME` only events up to that time"},
	},
	Action: printEvents,
}

// exitBadFormat is the exit code for a template that cannot be used; docker's.
const exitBadFormat = 64

func printEvents(c *cli.Context) error {
	q, err := eventQuery(c)
	if err != nil {
		return err
	}
	format, err := eventFormat(c.String("format"))
	if err != nil {
		return &container.ExitError{Err: err, Code: exitBadFormat}
	}
	out, end := safeOutput(os.Stdout)
	defer end()
	return events.Follow(context.Background(), c.String("root"), q, func(e *events.Event) error {
		text, err := format(e)
		if err == nil {
			_, err = fmt.Fprintln(out, text)
		}
		return err
	})
}

func eventQuery(c *cli.Context) (q events.Query, err error) {
	if q.Filters, err = events.ParseFilters(c.StringSlice("filter")); err != nil {
		return q, err
	}
	now := time.Now()
	for flag, t := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if !c.IsSet(flag) {
			continue
		}
		if *t, err = logs.ParseTime(c.String(flag), now); err != nil {
			return q, fmt.Errorf("--%s: %w", flag, err)
		}
	}
	return q, nil
}

// eventFormat returns the function that makes a line of an event.
func eventFormat(format string) (func(*events.Event) (string, error), error) {
	switch format {
	case "":
		return func(e *events.Event) (string, error) { return e.String(), nil }, nil
	case "json":
		return func(e *events.Event) (string, error) { return asJSON(e) }, nil
	}
	t, err := parseTemplate(format)
	if err == nil {
		t.Option("missingkey=default")               // events have different attributes
		err = t.Execute(io.Discard, &events.Event{}) // an unknown field, before anything happens
	}
	return func(e *events.Event) (string, error) { return fill(t, e) }, err
}

func fill(t *template.Template, data any) (string, error) {
	var filled strings.Builder
	if err := t.Execute(&filled, data); err != nil {
		return "", fmt.Errorf("--format: %w", err)
	}
	return filled.String(), nil
}
