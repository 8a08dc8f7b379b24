package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/benchmark/report"
	"github.com/minictr/minictr/internal/testkit"
)

// The page in Chromium: readable on any screen, silent, complete.
func TestPageInBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	for name, r := range map[string]*benchmark.Report{"complete": sample(t), "failures": failures(t)} {
		t.Run(name, func(t *testing.T) {
			seen := inspect(t, chromium, page(t, r))
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

// seen is the result of testdata/inspect.js.
type seen struct {
	Found          []string // faults of the page
	Text, Pictures string   // what it says
}

func inspect(t *testing.T, chromium string, page []byte) (s seen) {
	t.Helper()
	script, err := os.ReadFile("testdata/inspect.js")
	testkit.Check(t, err)
	text, err := json.Marshal(string(page)) // "<" becomes \u003c: no tag in it ends the script
	testkit.Check(t, err)
	file := filepath.Join(t.TempDir(), "inspect.html")
	document := fmt.Appendf(nil, "<body><script>%s\ninspect(%s)</script>", script, text)
	testkit.Check(t, os.WriteFile(file, document, 0o644))
	var console bytes.Buffer
	cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu",
		"--user-data-dir="+t.TempDir(), "--enable-logging=stderr", "--virtual-time-budget=60000",
		"--dump-dom", "file://"+file)
	cmd.Stderr = &console
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, console.String())
	}
	_, body, _ := strings.Cut(string(out), "<body>")
	body, _, _ = strings.Cut(body, "</body>")
	if err := json.Unmarshal([]byte(html.UnescapeString(body)), &s); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(console.String()) {
		if strings.Contains(line, ":CONSOLE") {
			s.Found = append(s.Found, line)
		}
	}
	return s
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
