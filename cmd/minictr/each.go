package main

import (
	"cmp"
	"errors"
	"fmt"
	"sync"

	"github.com/minictr/minictr/container/inspect"
	"github.com/urfave/cli/v2"
)

// each calls do for every argument, one after the other, and prints those for which it
// succeeds.
func each(c *cli.Context, do func(name string) error) error { return eachOf(c.Args().Slice(), do) }

// eachOf is each for all names.
func eachOf(names []string, do func(name string) error) error {
	var failed []error
	for _, name := range names {
		failed = append(failed, done(name, do(name)))
	}
	return errors.Join(failed...)
}

// together is eachOf for all names at once, up to 50: it takes as long as the slowest.
func together(names []string, do func(name string) error) error {
	places := make(chan struct{}, 50)
	failed := make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		places <- struct{}{}
		all.Go(func() {
			failed[i] = do(name)
			<-places
		})
	}
	all.Wait()
	for i, name := range names {
		failed[i] = done(name, failed[i])
	}
	return errors.Join(failed...)
}

// selectFlags select containers without naming them.
var selectFlags = []cli.Flag{
	&cli.BoolFlag{Name: "all", Usage: "select all containers"},
	listFlag("filter", "`NAME=VALUE` select containers that match; the filters are those of ps"),
}

// selectUsage is the ArgsUsage of a command with selectFlags.
const selectUsage = "CONTAINER…\n--all\n--filter=NAME=VALUE"

// selected returns the arguments, or the names of the containers that --all and --filter
// select, beside an error for each that cannot be read.
func selected(c *cli.Context) (names []string, err error) {
	if !c.Bool("all") && !c.IsSet("filter") {
		return c.Args().Slice(), nil
	}
	list, err := inspect.List(c.String("root"), inspect.Query{All: true, Filters: c.StringSlice("filter")})
	for _, s := range list {
		if s.Err == nil {
			names = append(names, cmp.Or(s.Name, s.ID))
		}
	}
	return names, err
}

// done prints a name unless there was an error, which it returns.
func done(name string, err error) error {
	if err == nil {
		fmt.Println(name)
	}
	return err
}
