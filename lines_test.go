package minictr_test

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestLineWidth: no line of Go is longer than 120 columns; a tab counts four.
func TestLineWidth(t *testing.T) {
	const width = 120
	folded := []string{"hint"} // every folder, as soon as its lines are folded
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		top, _, _ := strings.Cut(path, "/")
		if err != nil || filepath.Ext(path) != ".go" || !slices.Contains(folded, top) {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			line := lines.Text()
			if columns := utf8.RuneCountInString(line) + 3*strings.Count(line, "\t"); columns > width {
				t.Errorf("%s:%d: %d columns", path, n, columns)
			}
		}
		return lines.Err()
	})
	if err != nil {
		t.Error(err)
	}
}
