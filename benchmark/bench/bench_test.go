package main

import (
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
)

// The smallest form, from the measurement to the page: a process, a container and
// the smallest machine, emulated. Of times one alone is asserted: the container
// is there before the machine.
func TestSmallest(t *testing.T) {
	testkit.NeedRoot(t)
	if testing.Short() {
		t.Skip("-short: no virtual machine")
	}
	t.Setenv("VM_ACCEL", "tcg")
	targets := choose(all(), "fork+exec,minictr,initramfs")
	for _, target := range targets {
		if err := target.Available(); err != nil {
			t.Skipf("%s: %v", target.Facts().Name, err)
		}
	}

	// measure, write and read
	dir, s := t.TempDir(), setup(t)
	s.Scratch = scratch(t)
	measured, err := measure(t.Context(), targets, benchmark.Smallest(), s, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(measured, dir); err != nil {
		t.Fatal(err)
	}
	r, err := read(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}

	// compare
	medians := map[benchmark.Kind]float64{}
	for _, f := range r.Targets {
		medians[f.Kind] = max(medians[f.Kind], checkFigures(t, r, f))
		if !strings.Contains(html.UnescapeString(string(page)), f.Name) {
			t.Errorf("%s is not in the page", f.Name)
		}
	}
	if container, machine := medians[benchmark.Container], medians[benchmark.Machine]; container >= machine {
		t.Errorf("a container starts in %.1f ms, a machine in %.1f ms", container/1e6, machine/1e6)
	}
	if !strings.Contains(string(page), "· emulated") {
		t.Error("the page does not say that the machine was emulated")
	}
}

// checkFigures: all figures of a target are there and can be true. It returns
// the median of the warm starts in nanoseconds.
func checkFigures(t *testing.T, r *benchmark.Report, f benchmark.Facts) float64 {
	t.Helper()
	if f.LeftOut != "" {
		t.Fatalf("%s is left out: %s", f.Name, f.LeftOut)
	}
	machine := f.Kind == benchmark.Machine
	host, err := benchmark.Inspect()
	if err != nil {
		t.Fatal(err)
	}
	if f.Emulated != machine || f.Version == "" || f.Seen.Processes < 1 ||
		(f.Seen.Kernel != host.Kernel) != machine || (int64(f.Seen.MemoryKiB)*1024 < host.Memory) != machine {
		t.Errorf("%+v; the host is %+v", f, host)
	}
	warm, cold := []float64{}, 0
	for _, s := range r.Starts {
		switch {
		case s.Target != f.Name || s.Explained:
		case s.Cold:
			cold++
		default:
			warm = append(warm, float64(s.Took()))
		}
	}
	sizes, work := []int64{}, 0
	for _, s := range r.Sizes {
		if s.Target == f.Name && s.N > 0 && s.PSS > 100<<10 && s.Disk > 1<<20 && s.Processes >= s.N {
			sizes = append(sizes, s.PSS)
		}
	}
	for _, w := range r.Work {
		if w.Target == f.Name && w.Inside > 0 && w.Host > 0 {
			work++
		}
	}
	starts := r.Options.Containers
	if machine {
		starts = r.Options.Machines
	}
	if len(warm) != starts || cold != 1 || len(sizes) != 2 || sizes[0] >= sizes[1] || work != len(benchmark.WorkKinds()) {
		t.Errorf("%s: starts %v, %d cold, memory %v, %d kinds of work", f.Name, warm, cold, sizes, work)
	}
	return benchmark.Summarize(warm).Median
}

// One benchmark runs at a time, and only in a directory of its own user.
func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "scratch")
	first, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(dir); err == nil || err.Error() != "another benchmark is running" || hint.Of(err) == "" {
		t.Errorf("a second one: %v", err)
	}
	first.Close()
	second, err := lock(dir)
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	second.Close()
	link := dir + "2"
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if _, err := lock(link); err == nil {
		t.Error("a link is taken for a directory")
	}
	if os.Getuid() != 0 {
		return
	}
	if err := os.Chown(dir, 1, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := lock(dir); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("a directory of another user: %v", err)
	}
}
