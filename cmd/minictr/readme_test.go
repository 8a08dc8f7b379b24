package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestReadme: the plan in the README is a real one. Only the numbers of its steps, which
// depend on the host's controllers, may differ.
func TestReadme(t *testing.T) {
	testkit.NeedRoot(t)
	loadDemo(t)
	out, err := exec.Command("minictr", "plan", "demo").Output()
	testkit.Check(t, err)
	readme := testkit.ReadFile(t, "../../README.md")
	_, sample, _ := strings.Cut(readme, "\n```\n")
	sample, _, _ = strings.Cut(sample, "\n```\n")
	number := regexp.MustCompile(`^ *\d+ `)
	known := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		known[number.ReplaceAllString(strings.TrimSpace(line), "")] = true
	}
	for line := range strings.Lines(sample) {
		if !known[number.ReplaceAllString(strings.TrimSpace(line), "")] {
			t.Errorf("README.md shows what minictr plan does not print: %s", line)
		}
	}
	if strings.Count(sample, "\n") < 10 {
		t.Error("README.md: no sample of a plan in it")
	}
}
