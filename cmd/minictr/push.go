package main

import (
	"fmt"
	"os"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var pushCommand = &cli.Command{
	Name:      "push",
	Usage:     "push an image to the registry of its name",
	ArgsUsage: "NAME[:TAG]",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print the full name only"},
		tlsFlag,
	},
	Action: push,
}

func push(c *cli.Context) (err error) {
	short := c.Args().First()
	full, err := images.Normalize(short)
	if err != nil {
		return err
	}
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	// Settings of registries, and progress on a terminal.
	opts := images.PushOptions{}
	if opts.Settings, err = registrySettings(c); err != nil {
		return err
	}
	quiet := c.Bool("quiet")
	if stdio.IsTerminal(os.Stderr) && !quiet {
		var last time.Time
		opts.Progress = func(done, total int64) {
			if time.Since(last) > 100*time.Millisecond {
				last = time.Now()
				fmt.Fprintf(os.Stderr, "\r\x1b[Kpushing: %s of %s",
					units.HumanSize(float64(done)), units.HumanSize(float64(total)))
			}
		}
	}
	// Push it.
	ctx, stop := interruptible(c)
	defer stop(&err)
	digest, size, err := store.Push(ctx, short, opts)
	if opts.Progress != nil {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	// Report the result.
	switch {
	case err != nil:
		return err
	case quiet:
		fmt.Println(full)
	default:
		_, tag := images.Split(images.Familiar(full))
		fmt.Printf("%s: digest: %s size: %d\n", tag, digest, size)
	}
	return nil
}
