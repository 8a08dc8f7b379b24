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
	Usage:     "print details of containers or images as JSON",
	ArgsUsage: "CONTAINER|IMAGE…",
	Flags: []cli.Flag{
		&cli.StringFlag{
			Name: "format", Aliases: []string{"f"},
			Usage: "`TEMPLATE` json, or a Go template as in {{.Config.Env}}",
		},
		&cli.BoolFlag{Name: "kernel", Usage: "print what the kernel says of a container's process, beside the host's"},
		&cli.BoolFlag{Name: "size", Aliases: []string{"s"}, Usage: "print the size of a container's files, too"},
		&cli.StringFlag{Name: "type", Usage: "`TYPE` only container, or only image"},
	},
	Action: printInspect,
}

func printInspect(c *cli.Context) error {
	if c.Bool("kernel") {
		return printKernel(c)
	}
	all := []any{}
	var wrong []error
	for _, word := range c.Args().Slice() {
		one, err := inspectOne(c, word)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		all = append(all, one)
	}
	var err error
	switch format := c.String("format"); format {
	case "":
		err = printWith("    ", all) // docker's indent
	case "json":
		err = printWith("", all)
	default:
		err = printFilled(format, all)
	}
	return errors.Join(append(wrong, err)...)
}

func inspectOne(c *cli.Context, word string) (any, error) {
	kind := c.String("type")
	if kind != "" && kind != "container" && kind != "image" {
		return nil, fmt.Errorf("--type %q: not one of container, image", kind)
	}
	var no error // the reason why it is not a container
	// A container of this name comes before an image.
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
	// Neither: return the error that fits the name.
	switch {
	case err == nil:
		return found, nil
	case kind == "image":
		return nil, err
	case errors.Is(no, container.ErrNotExist) && errors.Is(err, images.ErrNotFound):
		return nil, hint.New(fmt.Errorf("%q: no such container or image", word), "minictr ps -a; minictr images")
	case errors.Is(no, container.ErrNotExist) || state.CheckName(word) != nil:
		return nil, err
	}
	return nil, no
}

// printWith prints JSON with an indent; "" is all on one line.
func printWith(indent string, v any) error {
	text, err := encode(v, indent)
	if err == nil {
		_, err = fmt.Println(string(text))
	}
	return err
}
