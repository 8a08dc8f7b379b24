package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/images/registry"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var importCommand = &cli.Command{
	Name:      "import",
	Usage:     "make an image of a tar archive of a root filesystem",
	ArgsUsage: "FILE|URL|- [NAME[:TAG]]",
	Description: `The archive, plain or compressed, becomes the only layer of the image, as it is;
minictr export writes one. - is standard input, and a URL begins with http:// or
https://. The ID of the image is printed.

INSTRUCTION is one of a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK,
LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR, as in 'CMD ["sh"]'.`,
	Flags: []cli.Flag{
		listFlag("change", "`INSTRUCTION` set how to run the image", "c"),
		&cli.StringFlag{Name: "message", Aliases: []string{"m"}, Usage: "`TEXT` comment in the history of the image"},
		&cli.StringFlag{
			Name: "platform", DefaultText: "this machine's",
			Usage: "`PLATFORM` os/arch[/variant] of the files, as in linux/arm64",
		},
	},
	Action: importImage,
}

func importImage(c *cli.Context) (err error) {
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	ctx, stop := interruptible(c)
	defer stop(&err)
	in, from, err := openImport(ctx, c.Args().First())
	if err != nil {
		return err
	}
	defer in.Close()
	// import, with progress on a terminal
	o := images.ImportOptions{
		Name: c.Args().Get(1), Message: c.String("message"), Changes: c.StringSlice("change"),
		Platform: c.String("platform"),
	}
	if !c.IsSet("message") {
		o.Message = "Imported from " + from // docker's
	}
	if stdio.IsTerminal(os.Stderr) {
		o.Progress = showProgress()
	}
	id, err := store.Import(ctx, in, o)
	if o.Progress != nil {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
	if err == nil {
		fmt.Println(id)
	}
	return err
}

// openImport opens a file, a URL or standard input. from is its name in the history.
func openImport(ctx context.Context, src string) (in io.ReadCloser, from string, err error) {
	scheme, _, isURL := strings.Cut(src, "://")
	switch {
	case src == "-" && stdio.IsTerminal(os.Stdin):
		return nil, "", hint.New(errors.New("import: standard input is a terminal"), "minictr import FILE [NAME[:TAG]]")
	case src == "-":
		return os.Stdin, "-", nil
	case isURL && (scheme == "http" || scheme == "https"):
		in, _, err = registry.Download(ctx, src)
		return in, src, err
	case isURL:
		return nil, "", hint.New(fmt.Errorf("import %s: %s is neither http nor https", src, scheme),
			"download it, and pass the file: minictr import FILE")
	}
	in, err = os.Open(src)
	return in, "-", err
}
