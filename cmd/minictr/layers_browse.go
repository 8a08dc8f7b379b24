package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

var layersBrowseCommand = &cli.Command{
	Name:      "browse",
	Usage:     "browse the layers of an image in the terminal",
	ArgsUsage: "IMAGE[@N]",
	Description: `The layers are on the left, and on the right the files of layers 1 to that under
the cursor. A path is marked A if that layer added it, C if it changed it, and D
if it removed it. The key ? lists the keys, q quits.

The environment variable NO_COLOR turns colours off. The browser is the program
minictr-browse, in the directory of minictr.`,
	Action: layersBrowse,
}

// layersBrowse becomes the program minictr-browse (execve(2)).
func layersBrowse(c *cli.Context) error {
	image := c.Args().First()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program := filepath.Join(filepath.Dir(self), "minictr-browse")
	err = unix.Exec(program, []string{"minictr-browse", c.String("root"), image}, os.Environ())
	err = fmt.Errorf("execve %s: %w", program, err)
	if errors.Is(err, fs.ErrNotExist) {
		return hint.New(err, "install it beside minictr (make build makes both), or use: minictr layers tree "+image)
	}
	return err
}
