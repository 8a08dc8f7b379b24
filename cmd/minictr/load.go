package main

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var loadCommand = &cli.Command{
	Name:  "load",
	Usage: "load images from an archive or an OCI layout",
	Flags: []cli.Flag{
		&cli.StringFlag{
			Name: "input", Aliases: []string{"i"}, Value: "-",
			Usage: "`PATH` archive, or directory of an OCI layout; - for standard input",
		},
		allPlatformsFlag,
		platformsFlag("this machine"),
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print no progress"},
	},
	Action: load,
}

func load(c *cli.Context) (err error) {
	src := c.String("input")
	if src == "-" && stdio.IsTerminal(os.Stdin) {
		return hint.New(errors.New("load: standard input is a terminal"), "minictr load -i FILE")
	}
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	ctx, stop := interruptible(c)
	defer stop(&err)
	// Load, with progress on a terminal.
	opts := images.LoadOptions{Stdin: os.Stdin, Platforms: platforms(c), AllPlatforms: c.Bool("all-platforms")}
	if stdio.IsTerminal(os.Stderr) && !c.Bool("quiet") {
		opts.Progress = showProgress()
	}
	names, err := store.Load(ctx, src, opts)
	if opts.Progress != nil {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	if err != nil {
		return err
	}
	// Print the names.
	for _, name := range names {
		fmt.Println("Loaded image: " + images.Familiar(name))
	}
	return nil
}

// showProgress returns a function that draws one line, ten times a second at most.
func showProgress() func(done, total int64) {
	var last atomic.Int64
	return func(done, total int64) {
		now, then := time.Now().UnixMilli(), last.Load()
		if now-then < 100 || !last.CompareAndSwap(then, now) {
			return
		}
		fmt.Fprintf(os.Stderr, "\r\x1b[Kloading layers: %s", units.HumanSize(float64(done)))
		if total > 0 {
			fmt.Fprintf(os.Stderr, " of %s", units.HumanSize(float64(total)))
		}
	}
}
