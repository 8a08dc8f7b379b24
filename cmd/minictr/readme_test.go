package main

import (
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
	_, sample, _ := strings.Cut(testkit.ReadFile(t, "../../README.md"), "\n```\n")
	sample, _, _ = strings.Cut(sample, "\n```\n")
	number := regexp.MustCompile(`^ *\d+ `)
	known := map[string]bool{}
	for line := range strings.Lines(said(t, "plan", "demo")) {
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
