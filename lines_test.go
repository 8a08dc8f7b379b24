package minictr_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// eachGoFile visits the files of this repository.
func eachGoFile(t *testing.T, visit func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		data, err := os.ReadFile(path)
		visit(path, string(data))
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestLineWidth: no line of Go is longer than 120 columns; a tab counts four.
func TestLineWidth(t *testing.T) {
	const width = 120
	eachGoFile(t, func(path, text string) {
		for i, line := range strings.Split(text, "\n") {
			if columns := utf8.RuneCountInString(line) + 3*strings.Count(line, "\t"); columns > width {
				t.Errorf("%s:%d: %d columns", path, i+1, columns)
			}
		}
	})
}
