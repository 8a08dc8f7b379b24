package report_test

import (
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/benchmark/report"
	"github.com/minictr/minictr/internal/testkit"
)

// The page in Chromium: readable on any screen, silent, complete.
func TestPageInBrowser(t *testing.T) {
	script := testkit.ReadFile(t, "testdata/inspect.js")
	for name, r := range map[string]*benchmark.Report{"complete": sample(t), "failures": failures(t)} {
		t.Run(name, func(t *testing.T) {
			seen := testkit.InspectPage(t, page(t, r), script)
			for _, fault := range seen.Found {
				t.Error(fault)
			}
			checkFigures(t, r, strings.Join(strings.Fields(seen.Text), " "))
			for _, target := range r.Targets {
				if target.LeftOut == "" && strings.Count(seen.Pictures, target.Name) < 5 {
					t.Errorf("%s has no row in some picture", target.Name)
				}
			}
		})
	}
}

// checkFigures: the page has each figure of the tables in the terminal.
func checkFigures(t *testing.T, r *benchmark.Report, page string) {
	t.Helper()
	var tables strings.Builder
	testkit.Check(t, report.Text(&tables, r))
	n := 0
	for line := range strings.Lines(tables.String()) {
		for _, cell := range strings.Split(strings.TrimSpace(line), "  ") {
			cell = strings.Join(strings.Fields(cell), " ")
			if cell == "" || strings.HasPrefix(cell, "==") || strings.Contains(cell, ": ") {
				continue
			}
			if n++; !strings.Contains(page, cell) {
				t.Errorf("the page lacks %q of the terminal's table", cell)
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d figures were compared", n)
	}
}
