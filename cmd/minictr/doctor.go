package main

import (
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/minictr/minictr/doctor"
	"github.com/minictr/minictr/internal/printable"
	"github.com/urfave/cli/v2"
)

var doctorCommand = &cli.Command{
	Name:  "doctor",
	Usage: "say what this computer can do for containers, and what it lacks",
	Description: `Each line is a check: ok, warning (a part of minictr does not work), error
(` + "`minictr run`" + ` does not work), or untried (only root can try). Below a
lack stands what does not work, and what mends it.

The checks try things: they make namespaces, an overlay and a cgroup, which end
with the check. The computer is not changed. The exit status is 1 if there is an
error.`,
	Flags:  []cli.Flag{formatFlag()},
	Action: runDoctor,
}

func runDoctor(c *cli.Context) error {
	list := doctor.Examine(c.String("root"))
	var err error
	if format := c.String("format"); format == "table" {
		err = printFindings(list)
	} else {
		err = printList(format, "{{.Status}}\t{{.Name}}\t{{.Found}}",
			headings{"Status": "STATUS", "Name": "CHECK", "Found": "FOUND", "Without": "WITHOUT", "Hint": "HINT"}, list)
	}
	if err == nil && !doctor.Works(list) {
		return status(1)
	}
	return err
}

// printFindings prints a line for each check, and two more for each lack.
func printFindings(list []doctor.Finding) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "STATUS\tCHECK\tFOUND")
	for _, f := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Status, f.Name, printable.String(f.Found))
		if f.Without != "" {
			fmt.Fprintf(w, "\t\tdoes not work: %s\n", f.Without)
		}
		if f.Hint != "" {
			fmt.Fprintf(w, "\t\thint: %s\n", f.Hint)
		}
	}
	return w.Flush()
}
