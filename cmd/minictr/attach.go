package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/minictr/minictr/container/lifecycle"
	"github.com/urfave/cli/v2"
)

var keysFlag = &cli.StringFlag{Name: "detach-keys", Usage: "leave it by typing `KEYS`, as in ctrl-a,a", DefaultText: "ctrl-p,ctrl-q"}

var attachCommand = &cli.Command{
	Name:      "attach",
	Usage:     "be in front of a container in the background: its output, your keys",
	UsageText: "minictr attach [FLAGS] CONTAINER",
	Flags: []cli.Flag{
		keysFlag,
		&cli.BoolFlag{Name: "no-stdin", Usage: "do not let it read standard input"},
		&cli.BoolFlag{Name: "sig-proxy", Usage: "hand signals on, if it has no terminal; otherwise they end attach alone", Value: true},
	},
	Action: func(c *cli.Context) error {
		words, err := words(c, 1, "a CONTAINER")
		if err != nil {
			return err
		}
		o := &lifecycle.AttachOptions{Stdin: !c.Bool("no-stdin"), Keys: c.String("detach-keys"), SigProxy: c.Bool("sig-proxy")}
		return attached(lifecycle.Attach(c.String("root"), words[0], o))
	},
}

// attached is the end of a command that was attached to a container.
func attached(code int, err error) error {
	if errors.Is(err, lifecycle.ErrDetached) {
		fmt.Fprintln(os.Stderr, err)
		return nil
	}
	return ended(code, err)
}
