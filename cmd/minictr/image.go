package main

import (
	"fmt"

	"github.com/docker/go-units"
	"github.com/urfave/cli/v2"
)

// imageCommand has docker's longer names.
var imageCommand = &cli.Command{
	Name:        "image",
	Usage:       "manage images, with docker's longer names",
	Description: "Commands with the same name without image do the same; rm is rmi, ls is images.",
	Subcommands: []*cli.Command{
		pullCommand, loadCommand, importCommand, imageLsCommand, tagCommand, pushCommand, saveCommand, imageRmCommand,
		imagePruneCommand, historyCommand, imageInspectCommand, buildCommand,
	},
}

var imageLsCommand = &cli.Command{
	Name: "ls", Aliases: []string{"list"}, Category: "Images",
	Usage: imagesCommand.Usage, ArgsUsage: imagesCommand.ArgsUsage, Description: imagesCommand.Description,
	Flags: imagesCommand.Flags, Action: imagesCommand.Action,
}

var imageRmCommand = &cli.Command{
	Name: "rm", Aliases: []string{"remove"}, Category: "Images",
	Usage: rmiCommand.Usage, ArgsUsage: rmiCommand.ArgsUsage, Flags: rmiCommand.Flags, Action: rmiCommand.Action,
}

var imageInspectCommand = &cli.Command{
	Name: inspectCommand.Name, Category: "Images", Usage: "print details of images as JSON",
	ArgsUsage: "IMAGE…", Flags: inspectCommand.Flags,
	Action: func(c *cli.Context) error {
		if err := c.Set("type", "image"); err != nil {
			return err
		}
		return printInspect(c)
	},
}

// imagePruneCommand asks, as docker does; prune, which docker does not have, never did.
var imagePruneCommand = &cli.Command{
	Name: "prune", Category: "Images", Usage: pruneCommand.Usage, Description: pruneCommand.Description,
	Flags: append([]cli.Flag{pruneForceFlag}, pruneCommand.Flags...),
	Action: func(c *cli.Context) error {
		warning := "This will remove all images without a name."
		if c.Bool("all") {
			warning = "This will remove all images that no container uses."
		}
		if err := confirm(c, warning); err != nil {
			return err
		}
		freed, err := pruneImages(c)
		fmt.Println("Total reclaimed space:", units.HumanSize(float64(freed)))
		return err
	},
}
