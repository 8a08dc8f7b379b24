package main

import (
	"github.com/minictr/minictr/images/subject"
	"github.com/urfave/cli/v2"
)

// Flags of several commands.
var (
	jsonFlag  = &cli.BoolFlag{Name: "json", Usage: "print JSON"}
	wholeFlag = &cli.BoolFlag{Name: "no-trunc", Usage: "print full digests and instructions"}
)

// lookAt opens IMAGE[@N] without reading its indexes. The caller closes it.
func lookAt(c *cli.Context, word string) (*subject.Image, error) {
	return subject.Open(c.Context, c.String("root"), word)
}

// lookInto is lookAt, and reads all indexes.
func lookInto(c *cli.Context, word string) (*subject.Image, error) {
	return subject.Read(c.Context, c.String("root"), word)
}
