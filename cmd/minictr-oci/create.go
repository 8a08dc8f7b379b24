package main

import "github.com/urfave/cli/v2"

var createCommand = &cli.Command{
	Name:      "create",
	Usage:     "create a container, without running its program",
	ArgsUsage: "CONTAINER-ID",
	Flags:     bundleFlags,
	Action: func(c *cli.Context) error {
		b, err := open(c)
		if err != nil {
			return err
		}
		b.options.Wait, b.options.Outlive = true, true
		if _, err := connect(&b.options, b.spec.Process, b.spec); err != nil {
			return b.remove(err)
		}
		_, err = b.create()
		return err
	},
}
