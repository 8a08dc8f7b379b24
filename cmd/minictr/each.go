package main

import (
	"errors"
	"fmt"
	"sync"

	"github.com/urfave/cli/v2"
)

// each calls do for every argument, one after the other, and prints those for which it
// succeeds.
func each(c *cli.Context, do func(name string) error) error {
	var failed []error
	for _, name := range c.Args().Slice() {
		failed = append(failed, done(name, do(name)))
	}
	return errors.Join(failed...)
}

// together is each for all arguments at once, up to 50: it takes as long as the slowest.
func together(c *cli.Context, do func(name string) error) error {
	names := c.Args().Slice()
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

// done prints a name unless there was an error, which it returns.
func done(name string, err error) error {
	if err == nil {
		fmt.Println(name)
	}
	return err
}
