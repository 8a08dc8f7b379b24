package images

import (
	"fmt"
	"slices"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestStringIsListOfOneWord: Entrypoint, Cmd and Shell are lists, or one string, as docker
// takes them.
func TestStringIsListOfOneWord(t *testing.T) {
	for text, want := range map[string][]string{
		`null`: nil, `[]`: {}, `""`: {""}, `"/bin/sh"`: {"/bin/sh"}, `["a","b"]`: {"a", "b"}, `"a b"`: {"a b"},
	} {
		image, docker, err := parseWholeConfig(fmt.Appendf(nil,
			`{"config":{"Entrypoint":%[1]s,"Cmd":%[1]s,"Shell":%[1]s},"rootfs":{"type":"layers"}}`, text), 0)
		testkit.Check(t, err)
		for _, got := range [][]string{image.Config.Entrypoint, image.Config.Cmd, docker.Shell} {
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", text, got, want)
			}
		}
	}
	for _, text := range []string{`1`, `{}`, `[1]`, `true`} {
		_, _, err := parseWholeConfig([]byte(`{"config":{"Cmd":`+text+`},"rootfs":{"type":"layers"}}`), 0)
		testkit.WantError(t, text, err, "parse image config")
	}
}
