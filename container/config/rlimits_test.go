package config

import (
	"math"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestUlimit(t *testing.T) {
	rlimits := mustConfig(t, Options{Ulimits: []string{"nofile=10", "core=-1", "nofile=1:2"}}).Process.Rlimits
	want := []specs.POSIXRlimit{{Type: "RLIMIT_CORE", Hard: math.MaxUint64, Soft: math.MaxUint64},
		{Type: "RLIMIT_NOFILE", Hard: 2, Soft: 1}}
	if len(rlimits) != 2 || rlimits[0] != want[0] || rlimits[1] != want[1] {
		t.Errorf("got %+v, want %+v", rlimits, want)
	}
}

func FuzzUlimit(f *testing.F) {
	for _, word := range []string{"nofile=1:2", "core=-1", "nofile=-2", "stack=1:-1", "=",
		"nofile=9223372036854775808"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if r, err := parseUlimit(word); err == nil && (r.Soft > r.Hard || !strings.HasPrefix(r.Type, "RLIMIT_")) {
			t.Errorf("%q gave %+v", word, r)
		}
	})
}

func TestUlimitErrors(t *testing.T) {
	for word, text := range map[string]string{
		"nofile":       `--ulimit "nofile": invalid ulimit argument`,
		"files=1":      "invalid ulimit type",
		"nofile=2:1":   "soft limit must be less than or equal to hard limit",
		"nofile=1:2:3": "too many limit value",
		"nofile=x":     `"x": not a number`,
		"nofile=-5:-1": "negative",
		"nofile=-1:5":  "soft limit must be less",
	} {
		_, err := testConfig(t, Options{Ulimits: []string{word}})
		testkit.WantError(t, word, err, text)
	}
}
