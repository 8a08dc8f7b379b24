package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/minictr/minictr/container/lifecycle"
	"github.com/urfave/cli/v2"
)

var keysFlag = &cli.StringFlag{
	Name: "detach-keys", DefaultText: "ctrl-p,ctrl-q",
	Usage: "`KEYS` keys that detach from the container, as in ctrl-a,a",
}

var attachCommand = &cli.Command{
	Name:      "attach",
	Usage:     "attach to a running container's input and output",
	ArgsUsage: "CONTAINER",
	Flags: []cli.Flag{
		keysFlag,
		&cli.BoolFlag{Name: "no-stdin", Usage: "do not attach standard input"},
		&cli.BoolFlag{Name: "sig-proxy", Usage: "forward signals, if the container has no terminal", Value: true},
	},
	Action: func(c *cli.Context) error {
		o := &lifecycle.AttachOptions{
			Stdin: !c.Bool("no-stdin"), Keys: c.String("detach-keys"), SigProxy: c.Bool("sig-proxy"),
		}
		return attached(lifecycle.Attach(c.String("root"), c.Args().First(), o))
	},
}

// attached is ended for a command that was attached: to detach is not an error.
func attached(code int, err error) error {
	if errors.Is(err, lifecycle.ErrDetached) {
		fmt.Fprintln(os.Stderr, err)
		return nil
	}
	return ended(code, err)
}
