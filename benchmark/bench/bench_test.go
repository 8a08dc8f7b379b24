package main

import (
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/hint"
)

// The smallest form of all, from the measurement to the page: a process, a
// container and the smallest machine, that is emulated. Times are not judged,
// but for one: the container is there before the machine.
func TestSmallest(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root makes containers")
	}
	if testing.Short() {
		t.Skip("-short: no virtual machine")
	}
	t.Setenv("VM_ACCEL", "tcg")
	targets := choose(all(), "fork+exec,minictr,initramfs")
	for _, target := range targets {
		if err := target.Available(); err != nil {
			t.Skipf("%s: %v", target.Name(), err)
		}
	}
	dir := t.TempDir()
	s := benchmark.Setup{Minictr: build(t, dir, "../../cmd/minictr"), Workload: build(t, dir, "../workload")}
	s.Source, _ = filepath.Abs("../..")
	s.Scratch, _ = os.MkdirTemp("", "bench") // a short name, for sockets
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
	var medians []float64
	for _, f := range r.Targets {
		medians = append(medians, sensible(t, r, f))
		if !strings.Contains(html.UnescapeString(string(page)), f.Name) {
			t.Errorf("%s does not stand in the page", f.Name)
		}
	}
	for _, container := range medians[1 : len(medians)-1] {
		if machine := medians[len(medians)-1]; !t.Failed() && container >= machine {
			t.Errorf("a container starts in %.1f ms, a machine in %.1f ms", container/1e6, machine/1e6)
		}
	}
	if !strings.Contains(string(page), "· emulated") {
		t.Error("nothing in the page says that the machine was emulated")
	}
}

// Only one benchmark runs at a time, and only in a folder of its own user.
func TestLock(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "scratch")
	first, err := lock(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(folder); err == nil || err.Error() != "another benchmark is running" || hint.Of(err) == "" {
		t.Errorf("a second one: %v", err)
	}
	first.Close()
	second, err := lock(folder)
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	second.Close()
	link := folder + "2"
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	if _, err := lock(link); err == nil {
		t.Error("a link is taken for a folder")
	}
	if os.Getuid() != 0 {
		return
	}
	if err := os.Chown(folder, 1, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := lock(folder); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("another's folder: %v", err)
	}
}

// A disk without room leaves the report as it was.
func TestReplace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report")
	if err := replace(file, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", file+".new"); err != nil {
		t.Fatal(err)
	}
	if err := replace(file, []byte("new")); err == nil {
		t.Error("a full disk is no error")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "old" {
		t.Errorf("the report is now %q, %v", text, err)
	}
	if _, err := os.Lstat(file + ".new"); err == nil {
		t.Error("half of a report was left")
	}
}

// sensible checks that every figure of a target is there and can be true, and
// returns the median of its warm starts in nanoseconds.
func sensible(t *testing.T, r *benchmark.Report, f benchmark.Facts) float64 {
	t.Helper()
	if f.LeftOut != "" {
		t.Errorf("%s is left out: %s", f.Name, f.LeftOut)
		return 0
	}
	if f.Emulated != (f.Kind == benchmark.Machine) || f.Version == "" {
		t.Errorf("%s: %+v", f.Name, f)
	}
	host, err := benchmark.Inspect()
	if err != nil {
		t.Fatal(err)
	}
	if (f.Seen.Kernel == host.Kernel) != (f.Kind != benchmark.Machine) || f.Seen.Processes < 1 ||
		f.Kind == benchmark.Container && f.Seen.Processes != 1 || int64(f.Seen.MemoryKiB)*1024 < host.Memory != (f.Kind == benchmark.Machine) {
		t.Errorf("the workload in %s sees %+v; the host is %+v", f.Name, f.Seen, host)
	}
	var warm, cold, sizes, work []float64
	for _, s := range r.Starts {
		for _, p := range s.Phases {
			if s.Target == f.Name && p.Took < 0 {
				t.Errorf("%s: phase %s took %v", f.Name, p.Name, p.Took)
			}
		}
		switch {
		case s.Target != f.Name || s.Explained:
		case s.Cold:
			cold = append(cold, float64(s.Took()))
		default:
			warm = append(warm, float64(s.Took()))
		}
	}
	for _, s := range r.Sizes {
		if s.Target == f.Name && s.N > 0 && s.PSS > 100<<10 && s.Disk > 1<<20 && s.Processes >= s.N {
			sizes = append(sizes, float64(s.PSS))
		}
	}
	for _, w := range r.Work {
		if w.Target == f.Name && w.Inside > 0 && w.Host > 0 {
			work = append(work, w.Inside)
		}
	}
	want := r.Options.Containers
	if f.Kind == benchmark.Machine {
		want = r.Options.Machines
	}
	if len(warm) != want || len(cold) != 1 || len(sizes) != 2 || len(work) != len(benchmark.WorkKinds()) || sizes[0] >= sizes[1] {
		t.Errorf("%s: starts %v, cold %v, memory %v, work %v", f.Name, warm, cold, sizes, work)
	}
	return benchmark.Summarize(warm).Median
}

// build returns a program of this module.
func build(t *testing.T, dir, pkg string) string {
	t.Helper()
	program := filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", program, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return program
}
