package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/state"
	"github.com/urfave/cli/v2"
)

var listCommand = &cli.Command{
	Name:  "list",
	Usage: "list containers",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "table", Usage: "`FORMAT` table or json"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print IDs only"},
	},
	Action: func(c *cli.Context) error {
		// as with runc, a root that was given exists: its name may be mistyped
		if root := c.String("root"); root != defaultRoot {
			if _, err := os.Stat(root); err != nil {
				return fmt.Errorf("--root: %w", err)
			}
		}
		containers, err := state.List(c.String("root"))
		failed := []error{err}
		list := []containerState{}
		for _, f := range containers {
			if s, err := describe(f); err == nil {
				list = append(list, s)
			} else {
				failed = append(failed, fmt.Errorf("%s: %w", f.ID(), err))
			}
		}
		print := printTable
		if c.Bool("quiet") {
			print = printIDs
		} else if format := c.String("format"); format == "json" {
			print = func(list []containerState) error { return printJSON(json.Marshal(list)) }
		} else if format != "table" {
			return fmt.Errorf("--format %q: not one of table, json", format)
		}
		return errors.Join(append(failed, print(list))...)
	},
}

func printIDs(list []containerState) error {
	for _, s := range list {
		fmt.Println(s.ID)
	}
	return nil
}

func printTable(list []containerState) error {
	w := tabwriter.NewWriter(os.Stdout, 12, 1, 3, ' ', 0)
	fmt.Fprintln(w, "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER")
	for _, s := range list {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", s.ID, s.Pid, s.Status,
			printable.String(s.Bundle), s.Created.Format(time.RFC3339Nano), s.Owner)
	}
	return w.Flush()
}
