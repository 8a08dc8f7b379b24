package benchmark_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/internal/testkit"
)

// unsteady is a target some of whose starts fail.
type unsteady struct {
	name, address          string
	kind                   benchmark.Kind
	fails                  func(start int) bool
	started, runs, running int
}

func (u *unsteady) Available() error                               { return nil }
func (u *unsteady) Prepare(context.Context, benchmark.Setup) error { return nil }
func (u *unsteady) Processes() []int                               { return nil }
func (u *unsteady) Disk() (int64, error)                           { return 1, nil }
func (u *unsteady) Close() error                                   { return nil }

func (u *unsteady) Facts() benchmark.Facts { return benchmark.Facts{Name: u.name, Kind: u.kind} }

func (u *unsteady) Start(context.Context) (*benchmark.Instance, error) {
	u.started++
	if u.fails(u.started) {
		return nil, fmt.Errorf("start %d has failed", u.started)
	}
	u.running++
	stop := func() error { u.running--; return nil }
	return &benchmark.Instance{Phases: []benchmark.Phase{{Name: "all", Took: 1}}, Address: u.address,
		Processes: u.Processes, Stop: stop}, nil
}

// ServeHTTP does work.
func (u *unsteady) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if u.runs++; u.fails(1) && u.runs == 2 {
		http.Error(w, "no work was done", http.StatusBadRequest)
		return
	}
	io.WriteString(w, "5\n")
}

// What fails once is repeated and reported; what keeps failing is left out, and does
// not end the rest.
func TestFailuresAreRepeated(t *testing.T) {
	targets := []*unsteady{
		{name: "process", kind: benchmark.Process, fails: func(int) bool { return false }},
		{name: "every second", kind: benchmark.Container, fails: func(n int) bool { return n%2 == 1 }},
		{name: "from the fifth on", kind: benchmark.Container, fails: func(n int) bool { return n >= 5 }},
	}
	var list []benchmark.Target
	for _, u := range targets {
		server := httptest.NewServer(u)
		defer server.Close()
		u.address = "tcp:" + server.Listener.Addr().String()
		list = append(list, u)
	}
	o := benchmark.Smallest()
	o.Containers, o.Cold = 10, 0
	setup := benchmark.Setup{Scratch: t.TempDir()}
	r, err := benchmark.Measure(t.Context(), list, o, setup, log.New(t.Output(), "", 0))
	testkit.Check(t, err)
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
	leftOut := r.Targets[2].LeftOut
	if r.Targets[0].LeftOut+r.Targets[1].LeftOut != "" || !strings.Contains(leftOut, "start 7 has failed") {
		t.Errorf("targets: %+v", r.Targets)
	}
	for _, u := range targets {
		if u.running != 0 {
			t.Errorf("%d of %s are still running", u.running, u.name)
		}
	}
}
