package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/minictr/minictr/benchmark"
)

// Table is the same in the terminal and in the page.
type Table struct {
	Caption string
	Head    []string
	Rows    [][]string
	From    string // where its figures come from in report.json
}

// Text writes all tables.
func Text(w io.Writer, r *benchmark.Report) error {
	p := page(r)
	fmt.Fprintf(w, "\n%s\n%s\n", p.Title, p.Lead)
	if p.Warning != "" {
		fmt.Fprintf(w, "\n%s\n", p.Warning)
	}
	for _, s := range p.Sections {
		fmt.Fprintf(w, "\n== %s\n", s.Title)
		if s.Note != "" {
			fmt.Fprintln(w, s.Note)
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, strings.Join(s.Table.Head, "\t"))
		for _, row := range s.Table.Rows {
			fmt.Fprintln(t, strings.Join(row, "\t"))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(w, "From report.json: %s.\n", s.Table.From)
	}
	fmt.Fprint(w, "\n== What others have published\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range p.Published {
		fmt.Fprintln(t, strings.Join([]string{p.Who, p.Figure, p.What, p.URL}, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, fact := range slices.Concat(p.System, p.Left) {
		if _, err := fmt.Fprintf(w, "%s: %s\n", fact[0], fact[1]); err != nil {
			return err
		}
	}
	return nil
}
