package main

// inspect --kernel: a container without minictr's records. What is printed comes from
// /proc and the cgroup filesystem alone.

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/internal/printable"
	"github.com/urfave/cli/v2"
)

func printKernel(c *cli.Context) error {
	format := c.String("format")
	if kind := c.String("type"); kind == "image" || c.Bool("size") {
		return errors.New("--kernel prints the process of a container: not with --size or --type image")
	}
	all := []any{}
	var wrong []error
	for i, name := range c.Args().Slice() {
		k, err := inspect.AskKernel(c.String("root"), name)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		all = append(all, k)
		if format == "" {
			if i > 0 {
				fmt.Println()
			}
			wrong = append(wrong, printKernelTable(name, k))
		}
	}
	switch format {
	case "":
	case "json":
		wrong = append(wrong, printWith("", all))
	default:
		wrong = append(wrong, printFilled(format, all))
	}
	return errors.Join(wrong...)
}

// printKernelTable prints three columns: a name, the host's value, the container's. Of the
// mounts and descriptors there are only the container's.
func printKernelTable(name string, k *inspect.Kernel) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	if k.Container == nil {
		fmt.Fprintf(w, "%s has no process: the kernel has no namespace and no cgroup of it.\n\nON DISK\tBYTES\n", name)
		for _, f := range k.Disk {
			fmt.Fprintf(w, "%s\t%d\n", printable.String(f.Name), f.Bytes)
		}
		return w.Flush()
	}

	hosts := map[[2]string]string{}
	for _, f := range k.Host.Facts() {
		hosts[[2]string{f.Section, f.Name}] = f.Value
	}
	section := ""
	for _, f := range k.Container.Facts() {
		alone := f.Section == "mounts" || f.Section == "descriptors"
		if f.Section != section {
			if section != "" {
				w.Flush() // the columns of each section have their own widths
				fmt.Println()
			}
			section = f.Section
			printColumns(w, alone, strings.ToUpper(section), "HOST", strings.ToUpper(name))
		}
		value := f.Value
		if with := k.Shared[f.Name]; section == "namespaces" && with != nil {
			value += ", shared with " + strings.Join(with, ", ")
		}
		printColumns(w, alone, f.Name, hosts[[2]string{f.Section, f.Name}], value)
	}
	return w.Flush()
}

// printColumns prints a line of a table, without the host's column if alone.
func printColumns(w io.Writer, alone bool, name, ofHost, value string) {
	name, ofHost, value = printable.String(name), printable.String(ofHost), printable.String(value)
	if alone {
		fmt.Fprintf(w, "%s\t%s\n", name, value)
	} else {
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, ofHost, value)
	}
}
