package main

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime/state"
	"github.com/urfave/cli/v2"
)

var inspectCommand = &cli.Command{
	Name:      "inspect",
	Usage:     "tell all about containers or images, in docker's JSON",
	UsageText: "minictr inspect [FLAGS] NAME…   (of a container, or else of an image)",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Usage: "fill a Go `TEMPLATE`, as in {{.Config.Env}}"},
		&cli.StringFlag{Name: "type", Usage: "look for a `container|image` alone"},
		&cli.BoolFlag{Name: "size", Aliases: []string{"s"}, Usage: "tell how large a container's files are, too"},
	},
	Action: printInspect,
}

func printInspect(c *cli.Context) error {
	words, err := words(c, -1, "the NAME of a container or of an image")
	if err != nil {
		return err
	}
	all := []any{}
	var wrong []error
	for _, word := range words {
		one, err := inspectOne(c, word)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		all = append(all, one)
	}
	if format := c.String("format"); format != "" && format != "json" {
		err = printFilled(format, all)
	} else {
		err = printIndented(all)
	}
	return errors.Join(append(wrong, err)...)
}

func inspectOne(c *cli.Context, word string) (any, error) {
	kind := c.String("type")
	if kind != "" && kind != "container" && kind != "image" {
		return nil, fmt.Errorf("--type %q: it is container or image", kind)
	}
	var no error // why it is no container
	if kind != "image" {
		found, err := inspect.Container(c.String("root"), word, c.Bool("size"))
		if err == nil || kind == "container" {
			return found, err
		}
		no = err
	}
	store, err := images.Open(c.String("root"))
	if err != nil {
		return nil, err
	}
	found, err := store.Inspect(word)
	switch {
	case err == nil:
		return found, nil
	case kind == "image":
		return nil, err
	case container.IsNotExist(no) && errors.Is(err, images.ErrNotFound):
		return nil, hint.New(fmt.Errorf("%q: no such container, and no such image", word), "minictr ps -a and minictr images list them")
	case container.IsNotExist(no) || state.CheckName(word) != nil:
		return nil, err
	}
	return nil, no
}

func printIndented(all []any) error {
	text, err := encode(all, "    ") // docker's
	if err == nil {
		_, err = fmt.Println(string(text))
	}
	return err
}
