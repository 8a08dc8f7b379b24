package main

import "github.com/urfave/cli/v2"

var layersCommand = &cli.Command{
	Name:  "layers",
	Usage: "show the layers of images",
	Description: `IMAGE is an image in the store, a docker or OCI archive, compressed or not, or
the directory of an OCI layout. FILE:NAME is one of several images in an
archive. IMAGE@N is the stack of its layers 1 (the lowest) to N.

Control characters in names are printed escaped, as in Go. In JSON a name is a
string, or {"base64": "…"} if it is not UTF-8.`,
	Subcommands: []*cli.Command{
		layersLsCommand, layersTreeCommand, layersBrowseCommand, layersDiffCommand, layersCatCommand,
		layersExtractCommand, layersWhyCommand, layersWasteCommand, layersDeletedCommand,
	},
}
