package benchmark_test

import (
	"context"
	"errors"
	"io"
	"log"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
)

// unsteady is a target whose starts fail now and then, and that answers nothing
// but numbers.
type unsteady struct {
	name          string
	kind          benchmark.Kind
	fails         func(start int) bool
	started, runs int
	running       int
}

func (u *unsteady) Name() string                                   { return u.name }
func (u *unsteady) Kind() benchmark.Kind                           { return u.kind }
func (u *unsteady) Available() error                               { return nil }
func (u *unsteady) Version() string                                { return "1" }
func (u *unsteady) Emulated() bool                                 { return false }
func (u *unsteady) Prepare(context.Context, benchmark.Setup) error { return nil }
func (u *unsteady) Processes() []int                               { return nil }
func (u *unsteady) Disk() (int64, error)                           { return 1, nil }
func (u *unsteady) Close() error                                   { return nil }

func (u *unsteady) Start(context.Context) (benchmark.Instance, error) {
	u.started++
	if u.fails(u.started) {
		return nil, errors.New("start " + strconv.Itoa(u.started) + " has failed")
	}
	u.running++
	return &steady{u}, nil
}

type steady struct{ of *unsteady }

func (s *steady) Phases() []benchmark.Phase { return []benchmark.Phase{{Name: "all", Took: 1}} }
func (s *steady) Answer() benchmark.Answer  { return benchmark.Answer{} }
func (s *steady) Processes() []int          { return nil }
func (s *steady) Cgroup() string            { return "" }

func (s *steady) Run(_ context.Context, out io.Writer, _ ...string) error {
	if s.of.runs++; s.of.fails(1) && s.of.runs == 2 {
		return errors.New("no work was done")
	}
	_, err := io.WriteString(out, "5\n")
	return err
}

func (s *steady) Stop() error {
	s.of.running--
	return nil
}

// What fails once is done again and told; what goes on failing is left out, and
// does not end the rest.
func TestMeasureGoesOn(t *testing.T) {
	targets := []*unsteady{
		{name: "process", kind: benchmark.Process, fails: func(int) bool { return false }},
		{name: "every second", kind: benchmark.Container, fails: func(n int) bool { return n%2 == 1 }},
		{name: "from the fifth on", kind: benchmark.Container, fails: func(n int) bool { return n >= 5 }},
	}
	var list []benchmark.Target
	for _, u := range targets {
		list = append(list, u)
	}
	o := benchmark.Smallest()
	o.Containers, o.Cold = 10, 0
	r, err := benchmark.Measure(t.Context(), list, o, benchmark.Setup{Scratch: t.TempDir()}, log.New(t.Output(), "", 0))
	if err != nil {
		t.Fatal(err)
	}
	starts, sizes, failed := map[string]int{}, map[string]int{}, map[string]int{}
	for _, s := range r.Starts {
		starts[s.Target]++
	}
	for _, s := range r.Sizes {
		sizes[s.Target]++
	}
	for _, f := range r.Failed {
		failed[f.What]++
	}
	// 10 warm starts, one before them, and two that run at the same time; work
	if n := "every second"; starts[n] != 10 || sizes[n] != 3 || failed[n] != 14 {
		t.Errorf("%s: %d starts, %d sizes, %d failures; want 10, 3, 14", n, starts[n], sizes[n], failed[n])
	}
	if n := "from the fifth on"; starts[n] != 3 || sizes[n] != 0 || failed[n] != 3 {
		t.Errorf("%s: %d starts, %d sizes, %d failures; want 3, 0, 3", n, starts[n], sizes[n], failed[n])
	}
	if len(r.Work) != 2*len(benchmark.WorkKinds()) {
		t.Errorf("work: %+v", r.Work)
	}
	if r.Targets[0].LeftOut+r.Targets[1].LeftOut != "" || !strings.Contains(r.Targets[2].LeftOut, "start 7 has failed") {
		t.Errorf("targets: %+v", r.Targets)
	}
	for _, u := range targets {
		if u.running != 0 {
			t.Errorf("%d of %s are still running", u.running, u.name)
		}
	}
}
