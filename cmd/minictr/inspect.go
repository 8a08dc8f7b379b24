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
	Usage:     "print details of containers, images or volumes as JSON",
	ArgsUsage: "CONTAINER|IMAGE|VOLUME…",
	Flags: []cli.Flag{
		&cli.StringFlag{
			Name: "format", Aliases: []string{"f"},
			Usage: "`TEMPLATE` json, or a Go template as in {{.Config.Env}}",
		},
		&cli.BoolFlag{Name: "kernel", Usage: "print what the kernel says of a container's process, beside the host's"},
		&cli.BoolFlag{Name: "size", Aliases: []string{"s"}, Usage: "print the size of a container's files, too"},
		&cli.StringFlag{Name: "type", Usage: "`TYPE` only container, image or volume"},
	},
	Action: printInspect,
}

func printInspect(c *cli.Context) error {
	if c.Bool("kernel") {
		return printKernel(c)
	}
	return printEach(c, func(word string) (any, error) { return inspectOne(c, word) })
}

// printEach prints the details of each argument as --format says.
func printEach(c *cli.Context, inspect func(word string) (any, error)) error {
	all := []any{}
	var wrong []error
	for _, word := range c.Args().Slice() {
		one, err := inspect(word)
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
	switch kind {
	case "", "container", "image":
	case "volume":
		return inspectVolume(c.String("root"), word)
	default:
		return nil, fmt.Errorf("--type %q: not one of container, image, volume", kind)
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
	if err == nil || kind == "image" {
		return found, err
	}
	// then a volume
	if volume, err := inspectVolume(c.String("root"), word); err == nil {
		return volume, nil
	}
	// None: return the error that fits the name.
	switch {
	case errors.Is(no, container.ErrNotExist) && errors.Is(err, images.ErrNotFound):
		return nil, hint.New(fmt.Errorf("%q: no such container, image or volume", word),
			"minictr ps -a; minictr images; minictr volume ls")
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
