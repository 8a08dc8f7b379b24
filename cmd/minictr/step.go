package main

// run --step and plan --step: a plan with stops.

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/minictr/minictr/step"
	"github.com/urfave/cli/v2"
)

// stepFlag is --step, --step=call: the flag of each command says what it does there.
func stepFlag(usage string) cli.Flag {
	return optionalFlag{&cli.GenericFlag{Name: "step", Value: new(optional), Usage: usage}}
}

// stepUnit returns the value of --step, and whether it is set.
func stepUnit(c *cli.Context) (unit step.Unit, set bool, err error) {
	switch value := c.String("step"); value {
	case "", "false":
		return 0, false, nil
	case "true":
		return step.Section, true, nil
	case "call":
		return step.Call, true, nil
	default:
		return 0, false, hint.New(fmt.Errorf("--step=%s: not a valid value", value), "--step or --step=call")
	}
}

// stepRun returns what --step asks for, a function that is called at each stop, nil for none;
// and done, which is called at the end of the run.
func stepRun(c *cli.Context) (stop func(*walk.Walk) error, done func(), err error) {
	unit, set, err := stepUnit(c)
	if err != nil || !set {
		return nil, func() {}, err
	}
	if c.String("explain") != "" {
		return nil, nil, hint.New(errors.New("--step and --explain exclude each other"), "leave out one of them")
	}
	ctx, end := interruptible(c)
	s, err := step.New(ctx, unit)
	if err != nil {
		return nil, nil, err
	}
	return s.Stop, func() { s.Close(); end(new(error)) }, nil
}

// hasQuit reports whether the reader has ended the run, and nothing else has gone wrong.
func hasQuit(err error) bool {
	return errors.Is(err, step.ErrQuit) && err.Error() == step.ErrQuit.Error()
}
