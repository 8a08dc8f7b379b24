package main

import (
	"errors"
	"os"

	"github.com/minictr/minictr/runtime"
	"github.com/urfave/cli/v2"
)

var runCommand = &cli.Command{
	Name:      "run",
	Usage:     "create a container and start it; wait for its program, and delete it",
	UsageText: "minictr-oci run [--bundle DIR] [--detach] [FLAGS] CONTAINER-ID",
	Flags: append([]cli.Flag{
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "do not wait: the container lives on"},
		&cli.BoolFlag{Name: "keep", Usage: "do not delete it when its program has ended"},
		&cli.BoolFlag{Name: "no-subreaper", Hidden: true}, // we are none
	}, bundleFlags...),
	Action: func(c *cli.Context) error {
		b, err := open(c)
		if err != nil {
			return err
		}
		b.terms.Outlive = c.Bool("detach")
		code, err := b.run(c)
		if err != nil {
			end(err, 1)
		}
		os.Exit(code)
		return nil
	},
}

// run is create and start in one. Only hooks of start need the two apart.
func (b *bundle) run(c *cli.Context) (code int, err error) {
	b.terms.Wait = b.spec.Hooks != nil && len(b.spec.Hooks.StartContainer)+len(b.spec.Hooks.Poststart) > 0
	signals := runtime.CatchSignals()
	streams, err := connect(&b.terms, b.spec.Process, b.spec)
	if err != nil {
		return 0, b.remove(err)
	}
	signals.Ready()
	process, err := b.create()
	if err != nil {
		return 0, err
	}
	if b.terms.Wait {
		err = runtime.StartCreated(b.folder, b.terms.Options, warn)
	} else {
		err = b.folder.Close()
	}
	if err != nil {
		return 0, errors.Join(err, b.delete(c, true))
	}
	if b.terms.Outlive {
		return 0, nil
	}
	code, err = attend(process, streams, signals)
	if err == nil && !c.Bool("keep") {
		err = b.delete(c, false)
	}
	return code, err
}

func (b *bundle) delete(c *cli.Context, force bool) error {
	return runtime.Delete(c.String("root"), b.folder.ID(), force, warn)
}

// remove ends what has not become a container.
func (b *bundle) remove(err error) error { return errors.Join(err, b.folder.Remove()) }
