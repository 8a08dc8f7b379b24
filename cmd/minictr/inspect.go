package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var inspectCommand = &cli.Command{
	Name:      "inspect",
	Usage:     "tell all about images, in docker's JSON",
	ArgsUsage: "IMAGE...",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Usage: "fill a Go `TEMPLATE`, as in {{.Config.Env}}"},
	},
	Action: inspect,
}

func inspect(c *cli.Context) error {
	if c.NArg() == 0 {
		return errors.New("inspect: which image?")
	}
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	var all []*images.Inspection
	var wrong []error
	for _, name := range c.Args().Slice() {
		i, err := store.Inspect(name)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		all = append(all, i)
	}
	if c.IsSet("format") {
		err = printFilled(c.String("format"), all)
	} else {
		err = printIndented(all)
	}
	return errors.Join(append(wrong, err)...)
}

func printIndented(all []*images.Inspection) error {
	if all == nil {
		all = []*images.Inspection{}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", "    ")
	return out.Encode(all)
}

// printFilled knows the functions of docker's templates.
func printFilled(text string, all []*images.Inspection) error {
	t, err := template.New("format").Funcs(template.FuncMap{
		"json":  asJSON,
		"join":  strings.Join,
		"split": strings.Split,
		"lower": strings.ToLower,
		"upper": strings.ToUpper,
	}).Parse(text)
	if err != nil {
		return fmt.Errorf("inspect: %w", err)
	}
	for _, i := range all {
		var filled strings.Builder
		if err := t.Execute(&filled, i); err != nil {
			return fmt.Errorf("inspect: %w", err)
		}
		printForeign(filled.String())
	}
	return nil
}

// printForeign prints what an image says: to a terminal without the control
// bytes that would steer it.
func printForeign(text string) {
	if stdio.IsTerminal(os.Stdout) {
		lines := strings.Split(text, "\n")
		for i := range lines {
			lines[i] = plan.Printable(lines[i])
		}
		text = strings.Join(lines, "\n")
	}
	fmt.Println(text)
}

func asJSON(v any) (string, error) {
	var text strings.Builder
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	err := out.Encode(v)
	return strings.TrimSuffix(text.String(), "\n"), err
}
