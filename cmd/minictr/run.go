package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/urfave/cli/v2"
)

var runCommand = &cli.Command{
	Name:      "run",
	Usage:     "run a program in a new container",
	UsageText: "minictr run [FLAGS] IMAGE [COMMAND [ARGUMENT…]]",
	Flags: append(append([]cli.Flag{
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "leave it in the background, and print its id"},
		&cli.BoolFlag{Name: "explain", Usage: "print each system call with its reason, result and time, on standard error"},
	}, pullFlags...), runFlags...),
	Action: run,
}

// pullFlags are those of the commands that fetch an image that is missing.
var pullFlags = []cli.Flag{
	&cli.StringFlag{Name: "pull", Usage: "fetch the image `always|missing|never`", Value: pullMissing},
	platformFlag, tlsFlag,
	&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "say nothing while the image is fetched"},
}

func run(c *cli.Context) error {
	o, err := runOptions(c)
	if err != nil {
		return err
	}
	if c.Bool("detach") {
		return runDetached(c, o)
	}
	var watch func(*plan.Plan) walk.Trace
	var e explainer
	if c.Bool("explain") {
		watch = e.watch
	}
	var code int
	err = withImage(c, func() error {
		code, err = lifecycle.Run(c.String("root"), c.Args().First(), o, watch)
		return err
	})
	if left := new(lifecycle.CleanupError); errors.As(err, &left) {
		tell(err)
	} else if err != nil {
		return err
	}
	if code != 0 {
		return status(code)
	}
	return nil
}

// runDetached leaves a container in the background.
func runDetached(c *cli.Context, o *config.Options) error {
	id, err := createContainer(c, o)
	if err != nil {
		return err
	}
	if err := lifecycle.Start(c.String("root"), id, c.Bool("explain")); err != nil {
		return err
	}
	fmt.Println(id)
	return nil
}

// withImage does something that needs an image, which is fetched if it is not
// there.
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

// When run fetches the image.
const (
	pullAlways  = "always"
	pullMissing = "missing"
	pullNever   = "never"
)

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
	return fmt.Errorf("--pull %q: it is always, missing or never", when)
}

// checkPlatform is an error if the image is here, but not the one for
// --platform.
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

// pullFor fetches the image that run names, which was missing. Standard output
// is the container's.
func pullFor(c *cli.Context, missing error) error {
	short := c.Args().First()
	if missing != nil && !c.Bool("quiet") {
		fmt.Fprintf(os.Stderr, "Unable to find image '%s' locally\n", printable.String(short))
	}
	ctx, stop := interruptible(c)
	defer stop()
	_, err := pullImage(ctx, c, short, os.Stderr)
	if err != nil && missing != nil {
		return hint.New(fmt.Errorf("%w; %w", missing, err), hint.Of(err))
	}
	return err
}

// exitCode sorts failures as docker does.
func exitCode(err error) int {
	if fault := new(container.ExitError); errors.As(err, &fault) {
		return fault.Code
	}
	if code, ok := runtime.ExecExitCode(err); ok {
		return code
	}
	return exitFailure
}
