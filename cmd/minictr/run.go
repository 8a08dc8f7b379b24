package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/help"
	"github.com/urfave/cli/v2"
)

var runCommand = &cli.Command{
	Name:      "run",
	Usage:     "run a program in a new container",
	ArgsUsage: "IMAGE [COMMAND [ARGUMENT…]]",
	Flags: slices.Concat([]cli.Flag{
		help.Heading("Common"),
		&cli.BoolFlag{
			Name: "detach", Aliases: []string{"d"},
			Usage: "run in the background and print the container ID",
		},
		explainPageFlag,
		stepFlag("stop before each section of the plan, or, with =call, before each call; ? prints the keys"),
		partsFlag,
	}, commonFlags, pullFlags, runFlags),
	Action: run,
}

func run(c *cli.Context) error {
	o := runOptions(c)
	if err := leaveOut(c, o); err != nil {
		return err
	}
	if c.Bool("detach") {
		return runDetached(c, o)
	}
	trace, finish, err := explainRun(c)
	if err != nil {
		return err
	}
	stop, done, err := stepRun(c)
	if err != nil {
		return err
	}
	defer done()
	// Run it. A leftover after the exit is reported, and changes no exit code.
	var code int
	err = withImage(c, func() (err error) {
		code, err = lifecycle.Run(c.String("root"), c.Args().First(), o, lifecycle.Watch{Trace: trace, Stop: stop})
		return err
	})
	err = errors.Join(err, finish())
	if left := new(lifecycle.CleanupError); errors.As(err, &left) {
		tell(err)
	} else if hasQuit(err) {
		return nil
	} else if err != nil {
		return err
	}
	if code != 0 {
		return status(code)
	}
	return nil
}

// runDetached starts a container in the background.
func runDetached(c *cli.Context, o *config.Options) error {
	if len(o.Attach) > 0 {
		return hint.New(errors.New("--attach and --detach exclude each other"), "leave out one of them")
	}
	if len(o.Without) > 0 {
		return hint.New(errors.New("--without and --detach exclude each other"), "leave out -d")
	}
	if explainFile(c) != "" {
		return hint.New(errors.New("--explain=FILE and --detach exclude each other"), "leave out -d")
	}
	if c.String("step") != "" {
		return hint.New(errors.New("--step and --detach exclude each other"), "leave out -d")
	}
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

// Values of --pull.
const (
	pullAlways  = "always"
	pullMissing = "missing"
	pullNever   = "never"
)
