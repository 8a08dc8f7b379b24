package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/help"
	"github.com/urfave/cli/v2"
)

// pullFlags are the flags of commands that pull a missing image.
var pullFlags = []cli.Flag{
	help.Heading("Image"),
	platformFlag,
	&cli.StringFlag{Name: "pull", Usage: "`WHEN` when to pull the image: always, missing or never", Value: pullMissing},
	&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print no progress of the pull"},
	tlsFlag,
}

// withImage calls do, which needs the image that the command names. A missing image
// is pulled, as --pull says.
func withImage(c *cli.Context, do func() error) error {
	when := c.String("pull")
	if err := pullBefore(c, when); err != nil {
		return err
	}
	err := do()
	if !errors.Is(err, images.ErrNotFound) || when != pullMissing {
		return err
	}
	if err := pullFor(c, err); err != nil {
		return err
	}
	return do()
}

func pullBefore(c *cli.Context, when string) error {
	switch when {
	case pullMissing, pullNever:
		err := checkPlatform(c)
		if err == nil || when == pullNever {
			return err
		}
		return pullFor(c, err)
	case pullAlways:
		return pullFor(c, nil)
	}
	return fmt.Errorf("--pull %q: not one of always, missing, never", when)
}

// checkPlatform returns an error if the image is in the store, but for another
// platform than --platform.
func checkPlatform(c *cli.Context) error {
	platform := c.String("platform")
	if platform == "" {
		return nil
	}
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	image, err := store.Image(c.Args().First())
	if errors.Is(err, images.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = image.Check(platform)
	}
	if err != nil {
		err = fmt.Errorf("--platform %s: %w", platform, err)
	}
	return err
}

// pullFor pulls the image that the command names. missing is the error of finding it
// in the store, if it was looked for; it is reported as docker does. Progress goes to
// standard error: standard output is the container's.
func pullFor(c *cli.Context, missing error) (err error) {
	full, err := images.Normalize(c.Args().First())
	if err != nil {
		return err
	}
	if missing != nil && !c.Bool("quiet") {
		fmt.Fprintf(os.Stderr, "Unable to find image '%s' locally\n", images.Familiar(full))
	}
	ctx, stop := interruptible(c)
	defer stop(&err)
	var platforms []string
	if platform := c.String("platform"); platform != "" {
		platforms = []string{platform}
	}
	return pullImage(ctx, c, full, platforms, os.Stderr)
}
