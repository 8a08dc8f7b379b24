package minictr_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestHardeningNamesTests: HARDENING.md names tests that exist, at least one in
// each row of a table with a column "tests".
func TestHardeningNamesTests(t *testing.T) {
	exists := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	eachGoFile(t, func(path, text string) {
		if strings.HasSuffix(path, "_test.go") {
			for _, name := range function.FindAllStringSubmatch(text, -1) {
				exists[name[1]] = true
			}
		}
	})
	page, err := os.ReadFile("HARDENING.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)`")
	wanted := false // the table has a column of tests
	for line := range strings.Lines(string(page)) {
		row := strings.HasPrefix(line, "|")
		names := named.FindAllStringSubmatch(line, -1)
		switch {
		case !row || strings.HasPrefix(line, "|---"):
			wanted = wanted && row
		case strings.HasSuffix(line, "| tests |\n"):
			wanted = true
		case wanted && len(names) == 0:
			t.Errorf("a row without a test: %s", line)
		}
		for _, name := range names {
			if !exists[name[1]] {
				t.Errorf("%s: no such test: %.60s…", name[1], line)
			}
		}
	}
}
