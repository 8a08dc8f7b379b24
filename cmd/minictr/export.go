package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/cp"
	"github.com/minictr/minictr/container/rootfs"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/minictr/minictr/without"
	"github.com/urfave/cli/v2"
)

var exportCommand = &cli.Command{
	Name:      "export",
	Usage:     "write the root filesystem of a container to a tar archive",
	ArgsUsage: "CONTAINER",
	Description: `The container may be running or not, and is not paused. The archive has the
files of its image and what it has changed; what is mounted there, as volumes,
/proc, /sys and /dev, is left out. minictr import makes an image of it.

The exit code is 1 if a file changed while it was read.`,
	Flags: []cli.Flag{
		&cli.StringFlag{
			Name: "output", Aliases: []string{"o"}, Value: "-",
			Usage: "`FILE` file to write; - for standard output",
		},
	},
	Action: export,
}

func export(c *cli.Context) error {
	file := c.String("output")
	if file == "-" && stdio.IsTerminal(os.Stdout) {
		return hint.New(errors.New("export: standard output is a terminal"), "minictr export -o FILE CONTAINER")
	}
	found, err := container.Find(c.String("root"), c.Args().First())
	if err != nil {
		return err
	}
	root, err := rootfs.OpenBare(found, without.Root(found.Settings.Options.Without))
	if err != nil {
		return fmt.Errorf("open the root of container %q: %w", c.Args().First(), err)
	}
	// write the archive
	p := &copyProgress{quiet: file == "-" || !stdio.IsTerminal(os.Stderr), began: time.Now()}
	var incomplete error
	write := func(w io.Writer) (err error) {
		incomplete, err = cp.Export(w, root.Tree, &cp.Options{Archive: true, Skipped: leftOut, Progress: p.add})
		return err
	}
	if file == "-" {
		err = write(os.Stdout)
	} else {
		err = saveFile(file, write)
	}
	p.finish()
	if err = errors.Join(err, root.Close()); err != nil {
		return fmt.Errorf("export container %q: %w", c.Args().First(), err)
	}
	found.Event("export")
	if incomplete == nil {
		return nil
	}
	tell(fmt.Errorf("export container %q: %w", c.Args().First(), incomplete))
	return status(1)
}
