package minictr_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestLearnersCore: the files of the reading list in runtime/doc.go, and no others, begin
// with their number and topic, and all of it can be read in one sitting.
func TestLearnersCore(t *testing.T) {
	const maxLines = 3700
	list, err := os.ReadFile("runtime/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	demo, err := os.ReadFile("scripts/demo-image")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^//\t *(\d+)  (\S+) +(.*)$`).FindAllStringSubmatch(string(list), -1)
	marks := map[string]string{}
	for i, row := range rows {
		number, file, topic := row[1], row[2], row[3]
		if number != fmt.Sprint(i+1) {
			t.Errorf("runtime/doc.go: %s is number %s, want %d", file, number, i+1)
		}
		marks[file] = fmt.Sprintf("// Core %d of %d: %s", i+1, len(rows), topic)
	}
	lines := strings.Count(string(demo), "\n")
	eachGoFile(t, func(path, text string) {
		first, _, _ := strings.Cut(text, "\n")
		want, core := marks[path]
		if core {
			lines += strings.Count(text, "\n")
			delete(marks, path)
		}
		if first != want && (core || strings.HasPrefix(first, "// Core ")) {
			t.Errorf("%s begins with %q, want %q", path, first, want)
		}
	})
	for file := range marks {
		t.Errorf("runtime/doc.go lists %s, which does not exist", file)
	}
	if lines > maxLines {
		t.Errorf("the core has %d lines, want at most %d", lines, maxLines)
	}
}
