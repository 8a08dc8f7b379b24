package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// Explain starts one more container, and ends it. The part of the engine's phase
// that is in no step is the engine's own: to start, to read the image, to write
// the plan.
func (e *engine) Explain(ctx context.Context) ([]benchmark.Phase, error) {
	if e.explain == "" {
		return nil, errors.ErrUnsupported
	}
	i, err := e.launch(ctx, e.explain)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := errors.Join(i.kill(), i.pids.wait(ctx)); err != nil {
		return nil, err
	}
	parts, err := parse((<-i.returned).stderr) // its error: the workload was killed
	if err != nil {
		return nil, err
	}
	phases := i.Phases
	itself := phases[0].Took
	for _, part := range parts {
		itself -= part.Took
	}
	first := benchmark.Phase{Name: "the engine itself", Took: max(0, itself)}
	return slices.Concat([]benchmark.Phase{first}, parts, phases[1:]), nil
}

// parse reads the table at the end of minictr's explanation, whose lines are
// "    2.18 ms   51%  PART". It returns the phases of a plan, in their order, with
// the parts that each consists of.
func parse(explanation string) ([]benchmark.Phase, error) {
	groups := [...]struct{ phase, parts string }{
		{"cgroup", "cgroup"},
		{"mount", "root sources filesystems attach dev mask"},
		{"clone", "streams clone session namespaces settings"},
		{"pivot", "pivot"},
		{"exec", "trampoline confine exec"},
	}
	phases := make([]benchmark.Phase, len(groups))
	_, table, _ := strings.Cut(explanation, "; by part:\n")
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) != 4 || words[1] != "ms" {
			continue
		}
		ms, err := strconv.ParseFloat(words[0], 64)
		if err != nil {
			return nil, err
		}
		known := false
		for n, g := range groups {
			phases[n].Name = g.phase
			if slices.Contains(strings.Fields(g.parts), words[3]) {
				phases[n].Took += time.Duration(ms * float64(time.Millisecond))
				known = true
			}
		}
		if !known {
			return nil, fmt.Errorf("--explain: unknown part %q of the plan", words[3])
		}
	}
	return phases, nil
}
