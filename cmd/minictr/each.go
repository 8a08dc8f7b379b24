package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// each does the same with every container that is named, one after the other, and
// prints the names of those with which it was done.
func each(c *cli.Context, do func(name string) error) error {
	names, err := containerNames(c)
	if err != nil {
		return err
	}
	return inTurn(names, do)
}

func inTurn(names []string, do func(name string) error) error {
	var failed []error
	for _, name := range names {
		failed = append(failed, done(name, do(name)))
	}
	return errors.Join(failed...)
}

// together does so with all of them at once: who waits for ten to end does not
// wait ten times.
func together(c *cli.Context, do func(name string) error) error {
	names, err := containerNames(c)
	if err != nil {
		return err
	}
	const most = 50
	places := make(chan struct{}, most)
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

func containerNames(c *cli.Context) ([]string, error) {
	if !c.Args().Present() {
		verb := strings.TrimPrefix(c.Command.HelpName, "minictr ")
		return nil, hint.New(fmt.Errorf("%s: no container named", verb), "write minictr "+verb+" CONTAINER…")
	}
	return words(c, -1, "CONTAINER…")
}

func done(name string, err error) error {
	if err == nil {
		fmt.Println(name)
	}
	return err
}
