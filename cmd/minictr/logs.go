package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

const allLines = "all"

var logsCommand = &cli.Command{
	Name:      "logs",
	Usage:     "print the logs of a detached container",
	ArgsUsage: "CONTAINER",
	Description: `TIME is a duration before now (10m), seconds since 1970, or 2006-01-02T15:04:05.
On a terminal, control characters other than colours are printed as in \x1b.`,
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "details", Usage: "print the labels and variables of run --log-opt"},
		&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "follow the log until the container exits"},
		&cli.StringFlag{Name: "since", Usage: "`TIME` only output at that time or later"},
		&cli.StringFlag{Name: "tail", Aliases: []string{"n"}, Usage: "`NUMBER` only the last lines", Value: allLines},
		&cli.BoolFlag{Name: "timestamps", Aliases: []string{"t"}, Usage: "print the time of each line"},
		&cli.StringFlag{Name: "until", Usage: "`TIME` only output at that time or earlier"},
	},
	Action: func(c *cli.Context) error {
		o, err := logOptions(c)
		if err != nil {
			return err
		}
		stdout, endStdout := safeOutput(os.Stdout)
		stderr, endStderr := safeOutput(os.Stderr)
		root, name := c.String("root"), c.Args().First()
		err = inspect.Logs(context.Background(), root, name, o, c.Bool("details"), stdout, stderr)
		return errors.Join(err, endStdout(), endStderr())
	},
}

func logOptions(c *cli.Context) (o logs.Options, err error) {
	o = logs.Options{Follow: c.Bool("follow"), Timestamps: c.Bool("timestamps"), Tail: -1}
	if tail := c.String("tail"); tail != allLines && tail != "" {
		n, err := strconv.ParseInt(tail, 10, 32) // a negative number is all, as in docker
		if err != nil {
			return o, hint.New(fmt.Errorf("--tail %q: not a number of lines, nor all", tail),
				"minictr logs --tail 10 CONTAINER")
		}
		o.Tail = int(n)
	}
	now := time.Now()
	for flag, t := range map[string]*time.Time{"since": &o.Since, "until": &o.Until} {
		if c.String(flag) == "" {
			continue
		}
		if *t, err = logs.ParseTime(c.String(flag), now); err != nil {
			return o, fmt.Errorf("--%s: %w", flag, err)
		}
	}
	return o, nil
}

// safeOutput returns a writer to f: on a terminal, control characters are escaped.
// end writes what is kept until then.
func safeOutput(f *os.File) (w io.Writer, end func() error) {
	if !stdio.IsTerminal(f) {
		return f, func() error { return nil }
	}
	p := printable.Writer(f)
	return p, p.Close
}
