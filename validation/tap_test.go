package validation

import (
	"fmt"
	"strings"
	"testing"
)

// verdict sums up the output of a program. Some programs restart their numbers for each
// container, so lines are counted here.
func verdict(tap string, end string) string {
	var failed []int
	lines, complains := 0, false
	for line := range strings.Lines(tap) {
		switch {
		case strings.HasPrefix(line, "ok "):
			lines++
		case strings.HasPrefix(line, "not ok "):
			lines++
			if !strings.Contains(line, "# TODO") {
				failed = append(failed, lines)
			}
		case strings.HasPrefix(line, `    "error": "`):
			complains = true
		}
	}
	var words []string
	if len(failed) > 0 {
		words = append(words, "not ok "+spans(failed))
	}
	if end != "" {
		words = append(words, end)
	}
	switch {
	case len(words) > 0:
		return strings.Join(words, "; ")
	case lines > 0:
		return "passes"
	case complains:
		return "complains"
	}
	return "silent"
}

// spans writes ascending numbers as "2, 5-7".
func spans(numbers []int) string {
	var words []string
	for i := 0; i < len(numbers); i++ {
		first := numbers[i]
		for i+1 < len(numbers) && numbers[i+1] == numbers[i]+1 {
			i++
		}
		if last := numbers[i]; last > first {
			words = append(words, fmt.Sprintf("%d-%d", first, last))
		} else {
			words = append(words, fmt.Sprint(first))
		}
	}
	return strings.Join(words, ", ")
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct{ tap, end, want string }{
		{"TAP version 13\nok 1 - a\nok 2 # SKIP b\nnot ok 3 # TODO c\n1..3\n", "", "passes"},
		{"not ok 1 - a\nok 2 - b\nnot ok 3\nnot ok 4\n1..4\n", "", "not ok 1, 3-4"},
		{"ok 1\nnot ok 2\nnot ok 1\n", "", "not ok 2-3"},
		{"ok 1\n", "exit 1", "exit 1"},
		{"not ok 1\n", "time-out", "not ok 1; time-out"},
		{"TAP version 13\n1..0\n", "", "silent"},
		{"", "", "silent"},
		{"  ---\n  {\n    \"error\": \"hooks\"\n  }\n  ...\n1..0\n", "", "complains"},
	} {
		if got := verdict(c.tap, c.end); got != c.want {
			t.Errorf("verdict(%q, %q) = %q, want %q", c.tap, c.end, got, c.want)
		}
	}
}
