package main

// Output of lists. --format takes docker's values:
//
//	table            the command's own columns, with headings
//	table TEMPLATE   other columns, separated by \t
//	json             an object a line
//	TEMPLATE         a Go template for each row, as in {{.ID}} {{.Names}}
//
// A table is a template, too. Its headings are the same template, filled with headings
// instead of a row.
//
// Rows hold text for people: no field holds a control character (package
// printable).

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"text/template"
	"unicode/utf8"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

func formatFlag() *cli.StringFlag {
	return &cli.StringFlag{
		Name: "format", Value: "table",
		Usage: "`FORMAT` table, json, a Go template as in {{.ID}}, or table TEMPLATE",
	}
}

// headings are the headings of columns, by the field of a row.
type headings map[string]string

// Label is the heading of {{.Label "NAME"}}: its last part, as in docker.
func (headings) Label(name string) string {
	name = name[strings.LastIndexByte(name, '.')+1:]
	return printable.Line(strings.NewReplacer("-", " ", "_", " ").Replace(name))
}

// printList prints rows. columns is the template of the command's own table.
func printList[T any](format, columns string, h headings, rows []T) error {
	if format == "json" {
		for _, row := range rows {
			text, err := marshal(row)
			if err != nil {
				return err
			}
			fmt.Println(string(text))
		}
		return nil
	}
	// Which template, and whether as a table.
	kind, rest, _ := strings.Cut(format, " ")
	tabular := kind == "table" || format == ""
	switch {
	case tabular && strings.TrimSpace(rest) != "":
		columns = strings.TrimSpace(rest)
	case !tabular:
		columns = format
	}
	t, err := parseTemplate(columns)
	if err != nil {
		return err
	}

	// Fill it.
	var lines bytes.Buffer
	if tabular {
		err = fillLine(&lines, t, h, h)
	}
	for _, row := range rows {
		if err == nil {
			err = fillLine(&lines, t, row, h)
		}
	}
	if err != nil {
		return err
	}

	// Print the lines, in columns if it is a table.
	if !tabular {
		_, err = os.Stdout.Write(lines.Bytes())
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 10, 1, 3, ' ', 0) // docker's
	if _, err := w.Write(lines.Bytes()); err != nil {
		return err
	}
	return w.Flush()
}

// fillLine appends a line: t filled with data.
func fillLine(lines *bytes.Buffer, t *template.Template, data any, h headings) error {
	if err := t.Execute(lines, data); err != nil {
		fields := slices.Sorted(maps.Keys(h))
		return hint.New(fmt.Errorf("--format: %w", err), "use one of the fields ."+strings.Join(fields, " ."))
	}
	lines.WriteByte('\n')
	return nil
}

// parseTemplate parses a template of docker: with \t and \n, which shells pass on
// unchanged, and with functions.
func parseTemplate(text string) (*template.Template, error) {
	text = strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(text)
	t, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"json":  asJSON,
		"join":  strings.Join,
		"split": strings.Split,
		//lint:ignore SA1019 it is docker's
		"title":    strings.Title,
		"lower":    strings.ToLower,
		"upper":    strings.ToUpper,
		"pad":      pad,
		"truncate": truncate,
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("--format: %w", err)
	}
	return t, nil
}

func asJSON(v any) (string, error) {
	text, err := marshal(v)
	return string(text), err
}

func pad(text string, before, after int) string {
	return strings.Repeat(" ", before) + text + strings.Repeat(" ", after)
}

func truncate(text string, length int) string {
	if utf8.RuneCountInString(text) > length {
		return string([]rune(text)[:length])
	}
	return text
}

// ellipsis shortens text to length characters.
func ellipsis(text string, length int) string {
	if utf8.RuneCountInString(text) > length {
		return truncate(text, length-1) + "…"
	}
	return text
}

// printFilled prints a template filled with each of all. Text of images and containers
// is printed unchanged to a program, and without control characters on a terminal.
func printFilled(format string, all []any) error {
	t, err := parseTemplate(format)
	if err != nil {
		return err
	}
	for _, one := range all {
		var filled strings.Builder
		if err := t.Execute(&filled, one); err != nil {
			return fmt.Errorf("--format: %w", err)
		}
		text := filled.String()
		if stdio.IsTerminal(os.Stdout) {
			text = printable.String(text)
		}
		fmt.Println(text)
	}
	return nil
}
