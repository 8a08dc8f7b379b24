package report

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// view computes what is shown from what was measured.
type view struct{ *benchmark.Report }

// kindOf returns the words beside each figure of a target.
func kindOf(f benchmark.Facts) string {
	switch {
	case f.Kind == benchmark.Machine && f.Emulated:
		return "machine, emulated"
	case f.Kind == benchmark.Machine:
		return "machine, KVM"
	}
	return string(f.Kind)
}

// label marks a figure of an emulated machine.
func label(f benchmark.Facts, text string) string {
	if f.Emulated {
		return text + " · emulated"
	}
	return text
}

// took returns the duration of each warm or cold start of a target, in nanoseconds.
func (v view) took(target string, cold bool) (list []float64) {
	for _, s := range v.Starts {
		if s.Target == target && s.Cold == cold && !s.Explained {
			list = append(list, float64(s.Took()))
		}
	}
	return list
}

func (v view) starts(cold bool, others []published) Section {
	s := Section{ID: "start", Title: "Start, warm", Caption: "From the command to the first byte",
		Note: "they would start several times faster.",
		From: fmt.Sprintf("starts with cold = %v and explained = false", cold),
		Head: []string{"", "what", "starts", "median", "95 % interval", "p95", "slowest", "outliers"}}
	if cold {
		s.ID, s.Title = "cold", "Start, cold"
	}
	var rows []Row
	for _, f := range v.Targets {
		times := v.took(f.Name, cold)
		if len(times) == 0 {
			continue
		}
		row := newRow(f, duration, times)
		rows = append(rows, row)
		s.addRow(f.Name, f, strconv.Itoa(row.N), duration(row.Median), duration(row.Low)+" to "+duration(row.High),
			duration(row.P95), duration(slices.Max(times)), strconv.Itoa(len(row.Outliers)))
	}
	for _, p := range others {
		if p.NS > 0 {
			row := Row{Name: "published: " + p.Project, Class: "published", Label: p.Figure, Hollow: []float64{p.NS}}
			rows = append(rows, row)
		}
	}
	s.Strips = []*Strip{newStrip(s.ID, s.Caption, s.Caption, rows, nanoseconds, 0)}
	return s
}

// medians returns the median of each phase, over the warm starts that were explained, or were not.
func (v view) medians(target string, explained bool) (phases []benchmark.Phase) {
	values := map[string][]float64{}
	for _, s := range v.Starts {
		if s.Target != target || s.Cold || s.Explained != explained {
			continue
		}
		for _, p := range s.Phases {
			if values[p.Name] == nil {
				phases = append(phases, p)
			}
			values[p.Name] = append(values[p.Name], float64(p.Took))
		}
	}
	for i, p := range phases {
		phases[i].Took = time.Duration(benchmark.Summarize(values[p.Name]).Median)
	}
	return phases
}

func (v view) phases() Section {
	s := Section{ID: "phases", Title: "What the time is spent on", Caption: "Phases of a warm start",
		Note: "kernel, user space and ssh would take several times less.",
		From: "phases of starts with cold = false", Head: []string{"", "what", "phase", "median", "of the whole"}}
	for _, f := range v.Targets {
		for _, explained := range [...]bool{false, true} {
			phases, name := v.medians(f.Name, explained), f.Name
			if explained {
				name += " --explain"
			}
			if len(phases) == 0 {
				continue
			}
			b := Bar{name, f, phases}
			s.Bars = append(s.Bars, b)
			for _, p := range phases {
				s.addRow(name, f, p.Name, duration(p.Took), b.Share(p))
			}
		}
	}
	return s
}

func memoryOf(s benchmark.Size) int64 { return s.PSS }
func diskOf(s benchmark.Size) int64   { return s.Disk }

// growth returns the size before the first instance, those of more and more
// instances, and how much one more takes. (What the first takes does not count,
// since it brings what all share, unless nothing else was measured.)
func (v view) growth(target string, of func(benchmark.Size) int64) (
	before benchmark.Size, list []benchmark.Size, slope float64,
) {
	var x, y []float64
	for _, s := range v.Sizes {
		if s.Target != target {
			continue
		}
		if s.N == 0 {
			before = s
			continue
		}
		list, x, y = append(list, s), append(x, float64(s.N)), append(y, float64(of(s)))
	}
	if len(list) == 1 {
		x, y = append(x, 0), append(y, float64(of(before)))
	}
	return before, list, benchmark.Fit(x, y).Slope
}

func (v view) memory() Section {
	s := Section{ID: "memory", Title: "Memory", Caption: "Memory of N instances", From: "sizes",
		Note: "they would take nearly as much: " +
			"QEMU would not keep translated instructions, some 16 to 64 MiB for each.",
		Head: []string{"", "what", "N", "PSS", "of it daemons", "memory.current", "fall of MemAvailable",
			"processes", "one more takes"}}
	var rows []Row
	var all, small []Curve
	for _, f := range v.Targets {
		before, list, slope := v.growth(f.Name, memoryOf)
		if len(list) == 0 {
			continue
		}
		rows = append(rows, newRow(f, func(v float64) string { return "+" + size(v) }, []float64{slope}))
		all = append(all, Curve{Kind: f.Kind, Label: label(f, f.Name), Sizes: list})
		if f.Kind != benchmark.Machine {
			small = append(small, Curve{Kind: f.Kind, Label: label(f, f.Name), Sizes: list})
		}
		for i, n := range list {
			more, current := "", "–"
			if i == len(list)-1 {
				more = size(slope)
			}
			if n.Cgroup >= 0 {
				current = size(n.Cgroup)
			}
			s.addRow(f.Name, f, strconv.Itoa(n.N), size(n.PSS), size(n.Daemons), current,
				size(before.Available-n.Available), strconv.Itoa(n.Processes), more)
		}
	}
	s.Strips = []*Strip{newStrip("each", "One more instance takes", "the slope of memory", rows, bytes, 0)}
	if len(all) > len(small) {
		s.Lines = append(s.Lines, newLines("memory", "All", "", all))
	}
	if len(small) > 0 {
		s.Lines = append(s.Lines, newLines("memory-containers", "Without machines", ", without machines", small))
	}
	return s
}

func (v view) disk() Section {
	s := Section{ID: "disk", Title: "Disk", Caption: "Disk of N instances", From: "sizes, diskBytes",
		Note: "nothing would change here.",
		Head: []string{"", "what", "before", "N", "with N", "one more takes"}}
	var rows []Row
	for _, f := range v.Targets {
		before, list, slope := v.growth(f.Name, diskOf)
		if len(list) == 0 {
			continue
		}
		last := list[len(list)-1]
		rows = append(rows, newRow(f, size, []float64{float64(last.Disk)}, float64(before.Disk)))
		s.addRow(f.Name, f, size(before.Disk), strconv.Itoa(last.N), size(last.Disk), size(max(0, slope)))
	}
	s.Strips = []*Strip{newStrip("disk", "Bytes on disk", "bytes on disk", rows, bytes, 0)}
	return s
}

func (v view) work() Section {
	s := Section{ID: "work", Title: "Running", Caption: "Work done inside against the host", From: "work",
		Note: "they would work nearly as fast as the host.",
		Head: []string{"", "what", "work", "inside", "on the host", "inside / host"}}
	for _, kind := range benchmark.WorkKinds() {
		var rows []Row
		for _, f := range v.Targets {
			var ratios, inside, host []float64
			for _, w := range v.Work {
				if w.Target == f.Name && w.Kind == kind[0] {
					ratios = append(ratios, w.Inside/w.Host)
					inside, host = append(inside, w.Inside), append(host, w.Host)
				}
			}
			if len(ratios) == 0 || f.Kind == benchmark.Process {
				continue
			}
			row := newRow(f, share, ratios)
			rows = append(rows, row)
			s.addRow(f.Name, f, kind[0], rate(benchmark.Summarize(inside).Median),
				rate(benchmark.Summarize(host).Median), share(row.Median))
		}
		if len(rows) > 0 {
			about := kind[1] + ", as a part of the host's"
			s.Strips = append(s.Strips, newStrip("work-"+kind[0], kind[1], about, rows, parts, 1))
		}
	}
	return s
}
