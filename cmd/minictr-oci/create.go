package main

import "github.com/urfave/cli/v2"

var createCommand = &cli.Command{
	Name:      "create",
	Usage:     "make a container, up to the point where start lets its program begin",
	UsageText: "minictr-oci create [--bundle DIR] [FLAGS] CONTAINER-ID",
	Flags:     bundleFlags,
	Action: func(c *cli.Context) error {
		b, err := open(c)
		if err != nil {
			return err
		}
		b.terms.Wait, b.terms.Outlive = true, true
		if _, err := connect(&b.terms, b.spec.Process, b.spec); err != nil {
			return b.remove(err)
		}
		_, err = b.create()
		return err
	},
}
