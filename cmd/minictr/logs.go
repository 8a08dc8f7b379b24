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
	Usage:     "print what a container in the background has said",
	UsageText: "minictr logs [FLAGS] CONTAINER",
	Description: "TIME is a duration before now (10m), seconds since 1970, or 2006-01-02T15:04:05.\n" +
		"On a terminal, control characters but those of colours are shown as \\x1b.",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on until it ends, even if it then begins again"},
		&cli.StringFlag{Name: "tail", Aliases: []string{"n"}, Usage: "only the last `N` lines", Value: allLines},
		&cli.StringFlag{Name: "since", Usage: "only what was said at `TIME` or after"},
		&cli.StringFlag{Name: "until", Usage: "only what was said at `TIME` or before"},
		&cli.BoolFlag{Name: "timestamps", Aliases: []string{"t"}, Usage: "say when each line began"},
	},
	Action: func(c *cli.Context) error {
		words, err := words(c, 1, "a CONTAINER")
		if err != nil {
			return err
		}
		o, err := logOptions(c)
		if err != nil {
			return err
		}
		stdout, endStdout := safeOutput(os.Stdout)
		stderr, endStderr := safeOutput(os.Stderr)
		err = inspect.Logs(context.Background(), c.String("root"), words[0], o, stdout, stderr)
		return errors.Join(err, endStdout(), endStderr())
	},
}

func logOptions(c *cli.Context) (o logs.Options, err error) {
	o = logs.Options{Follow: c.Bool("follow"), Timestamps: c.Bool("timestamps"), Tail: -1}
	if tail := c.String("tail"); tail != allLines {
		n, err := strconv.ParseUint(tail, 10, 31)
		if err != nil {
			return o, hint.New(fmt.Errorf("--tail %q: not a number of lines", tail), "write a number, or all")
		}
		o.Tail = int(n)
	}
	now := time.Now()
	for flag, t := range map[string]*time.Time{"since": &o.Since, "until": &o.Until} {
		if !c.IsSet(flag) {
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
