package validation

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// The columns of README.md's table that hold verdicts.
const (
	program   = 1
	natively  = 2
	inMachine = 3
	why       = 4
)

const readme = "README.md"

// table is README.md, of which the lines that begin with "| `" are data.
type table struct {
	lines []string
	rows  map[string]int // program → index in lines
}

func readTable() (*table, error) {
	data, err := os.ReadFile(readme)
	if err != nil {
		return nil, err
	}
	tab := &table{lines: strings.Split(string(data), "\n"), rows: map[string]int{}}
	for i, line := range tab.lines {
		if strings.HasPrefix(line, "| `") {
			cells := strings.Split(line, "|")
			if len(cells) != 6 {
				return nil, fmt.Errorf("%s:%d: %d cells, want 4", readme, i+1, len(cells)-2)
			}
			tab.rows[strings.Trim(cells[program], " `")] = i
		}
	}
	return tab, nil
}

func (tab *table) cell(program string, column int) string {
	i, ok := tab.rows[program]
	if !ok {
		return ""
	}
	return strings.TrimSpace(strings.Split(tab.lines[i], "|")[column])
}

// put writes a verdict, in a new row for a new program.
func (tab *table) put(name string, column int, verdict string) {
	i, ok := tab.rows[name]
	if !ok {
		i = len(tab.lines)
		tab.rows[name] = i
		tab.lines = append(tab.lines, fmt.Sprintf("| `%s` | | | |", name))
	}
	cells := strings.Split(tab.lines[i], "|")
	cells[column] = " " + verdict + " "
	tab.lines[i] = strings.Join(cells, "|")
}

// want returns the verdict that a column expects; "": any.
func (tab *table) want(column int) func(program string) string {
	return func(program string) string {
		if *update || os.Getenv(runtimeEnv) != "" {
			return ""
		}
		return tab.cell(program, column)
	}
}

// agree reports whether a verdict is that of a cell, or one of two: "a or b".
func agree(cell, verdict string) bool {
	return slices.Contains(strings.Split(cell, " or "), verdict)
}

// judge compares outcomes with a column, or writes them there. The sentence above the
// table says how many programs fail no line.
func (tab *table) judge(t *testing.T, outcomes []outcome, column int) {
	t.Helper()
	if os.Getenv(runtimeEnv) != "" {
		show(t, outcomes)
		return
	}
	for _, o := range outcomes {
		if want := tab.cell(o.Program, column); agree(want, o.Verdict) {
			continue
		} else if *update {
			tab.put(o.Program, column, o.Verdict)
		} else {
			t.Errorf("%s: %s; the table says: %q\n%s", o.Program, o.Verdict, want, o.Output)
		}
	}
	if len(outcomes) != len(tab.rows) {
		t.Errorf("%d programs ran, the table has %d", len(outcomes), len(tab.rows))
	}
	if *update {
		testkit.Check(t, os.WriteFile(readme, []byte(strings.Join(tab.lines, "\n")), 0o644))
	}
	where := map[int]string{natively: "natively", inMachine: "in the virtual machine"}[column]
	if says := fmt.Sprintf("%s %d", where, show(t, outcomes)); !strings.Contains(strings.Join(tab.lines, " "), says) {
		t.Errorf("%s does not say %q", readme, says)
	}
}

// show logs the verdicts, and how many programs fail no line that they print.
func show(t *testing.T, outcomes []outcome) (clean int) {
	t.Helper()
	var b strings.Builder
	passed := 0
	for _, o := range outcomes {
		fmt.Fprintf(&b, "%-32s %5.1fs  %s\n", o.Program, o.Took.Seconds(), o.Verdict)
		if os.Getenv(runtimeEnv) != "" && o.Verdict != "passes" {
			b.WriteString(o.Output)
		}
		if o.Verdict == "passes" {
			passed++
		}
		if strings.Contains(o.Output, "\n1..") && !strings.HasPrefix(o.Verdict, "not ok") {
			clean++
		}
	}
	t.Logf("%s%d of %d pass, %d come to the end of their lines (1..N) without one that fails", b.String(), passed,
		len(outcomes), clean)
	return clean
}

// TestFailureHasReason: a row has a reason if its program does not pass everywhere.
func TestFailureHasReason(t *testing.T) {
	tab, err := readTable()
	testkit.Check(t, err)
	for name := range tab.rows {
		fine := slices.IndexFunc([]int{natively, inMachine}, func(c int) bool {
			return tab.cell(name, c) != "passes"
		}) < 0
		if reason := tab.cell(name, why); fine != (reason == "") {
			t.Errorf("%s: passes: %v, reason: %q", name, fine, reason)
		}
	}
}
