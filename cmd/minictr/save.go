package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var saveCommand = &cli.Command{
	Name:      "save",
	Usage:     "write images to an archive",
	ArgsUsage: "IMAGE…",
	Flags: []cli.Flag{
		&cli.StringFlag{
			Name: "format", Value: images.DockerArchive,
			Usage: "`FORMAT` docker-archive, which is an OCI archive, too, or oci-archive",
		},
		&cli.StringFlag{
			Name: "output", Aliases: []string{"o"}, Value: "-",
			Usage: "`FILE` file to write; - for standard output",
		},
		platformsFlag("all that the store has"),
	},
	Action: save,
}

func save(c *cli.Context) (err error) {
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	ctx, stop := interruptible(c)
	defer stop(&err)
	write := func(w io.Writer) error {
		opts := images.SaveOptions{Format: c.String("format"), Platforms: platforms(c)}
		return store.Save(ctx, w, opts, c.Args().Slice()...)
	}
	if file := c.String("output"); file != "-" {
		return saveFile(file, write)
	}
	if stdio.IsTerminal(os.Stdout) {
		return hint.New(errors.New("save: standard output is a terminal"), "minictr save -o FILE IMAGE")
	}
	return write(os.Stdout)
}

// saveFile writes the whole archive to a file or, after an error, no file. A device or a
// pipe is written to directly.
func saveFile(path string, write func(io.Writer) error) error {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = errors.Join(write(temp), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
