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

// how is the word that stands beside each figure of a target.
func how(f benchmark.Facts) string {
	switch {
	case f.Kind == benchmark.Machine && f.Emulated:
		return "machine, emulated"
	case f.Kind == benchmark.Machine:
		return "machine, KVM"
	}
	return string(f.Kind)
}

func label(f benchmark.Facts, text string) string {
	if f.Emulated {
		return text + " · emulated"
	}
	return text
}

// took are all starts of a target of one sort, in nanoseconds.
func (v view) took(target string, cold bool) (list []float64) {
	for _, s := range v.Starts {
		if s.Target == target && s.Cold == cold && !s.Explained {
			list = append(list, float64(s.Took()))
		}
	}
	return list
}

func (v view) starts(cold bool) Section {
	s := Section{ID: "start", Title: "Start, warm", Words: []string{
		"From the command to the first byte that the workload answers; everything has been read from disk before. Each dot is one start, the line is the median, in the bar it lies with 95 % confidence; a ring is an outlier, or a figure that others have published. The scale is logarithmic: each step to the right is ten times longer."}}
	if cold {
		s = Section{ID: "cold", Title: "Start, cold", Words: []string{
			"The same, after the kernel has dropped its page cache: programs, images and disks are read again. Daemons keep running, as they would."}}
	}
	s.Table = Table{
		Caption: "From the command to the first byte", From: fmt.Sprintf("starts with cold = %v and explained = false", cold),
		Head: []string{"", "what", "starts", "median", "95 % interval", "p95", "slowest", "outliers"},
	}
	var marks []mark
	for _, f := range v.Targets {
		times := v.took(f.Name, cold)
		if len(times) == 0 {
			continue
		}
		sum := benchmark.Summarize(times)
		marks = append(marks, mark{f.Name, string(f.Kind), label(f, span(sum.Median)), times, nil, sum})
		s.Table.Rows = append(s.Table.Rows, []string{f.Name, how(f), strconv.Itoa(sum.N), span(sum.Median),
			span(sum.Low) + " to " + span(sum.High), span(sum.P95), span(slices.Max(times)), strconv.Itoa(len(sum.Outliers))})
	}
	if !cold {
		for _, p := range published() {
			if p.Took > 0 {
				marks = append(marks, mark{"published: " + p.Who, "published", p.Figure, nil, []float64{p.Took}, benchmark.Summary{}})
			}
		}
	}
	s.Strips = []*Strip{strip("picture-"+s.ID, s.Table.Caption, s.Table.Caption+", on a logarithmic scale", marks, 1, 0, span, span)}
	return s
}

// medians of each phase, over all starts of one sort.
func (v view) medians(target string, explained bool) (phases []benchmark.Phase) {
	var names []string
	values := map[string][]float64{}
	for _, s := range v.Starts {
		if s.Target != target || s.Cold || s.Explained != explained {
			continue
		}
		for _, p := range s.Phases {
			if values[p.Name] == nil {
				names = append(names, p.Name)
			}
			values[p.Name] = append(values[p.Name], float64(p.Took))
		}
	}
	for _, name := range names {
		phases = append(phases, benchmark.Phase{Name: name, Took: time.Duration(benchmark.Summarize(values[name]).Median)})
	}
	return phases
}

func (v view) phases() Section {
	s := Section{ID: "phases", Title: "What the time is spent on", Words: []string{
		"Every start, cut into its phases; each bar has the full width, whatever it took. The figures are medians of each phase, so that their sum is not quite the median of the whole.",
		"With --explain, minictr tells how long each system call took; such starts take longer, and are counted here alone. An image is unpacked when it is loaded, once, and not at a start."},
		Table: Table{Caption: "Phases of a warm start", From: "phases of starts with cold = false", Head: []string{"", "what", "phase", "median", "of the whole"}}}
	for _, f := range v.Targets {
		for _, explained := range [...]bool{false, true} {
			phases, name := v.medians(f.Name, explained), f.Name
			if explained {
				name += " --explain"
			}
			if len(phases) == 0 {
				continue
			}
			b := bar("phases-"+strconv.Itoa(len(s.Bars)), name, string(f.Kind), phases)
			b.Total = label(f, b.Total)
			s.Bars = append(s.Bars, b)
			for _, p := range b.Pieces {
				s.Table.Rows = append(s.Table.Rows, []string{name, how(f), p.Name, p.Took, p.Share})
			}
		}
	}
	return s
}

// sizes of a target, without those of no instance at all.
func (v view) sizes(target string) (before benchmark.Size, list []benchmark.Size) {
	for _, s := range v.Sizes {
		if s.Target == target && s.N == 0 {
			before = s
		} else if s.Target == target {
			list = append(list, s)
		}
	}
	return before, list
}

// each is how much more one more instance takes. (What the first takes is left
// out, since it brings what all share, unless nothing else was measured.)
func each(before benchmark.Size, list []benchmark.Size, of func(benchmark.Size) int64) (x, y []float64, line benchmark.Line) {
	for _, s := range list {
		x, y = append(x, float64(s.N)), append(y, float64(of(s)))
	}
	if len(list) == 1 {
		return x, y, benchmark.Fit([]float64{0, x[0]}, []float64{float64(of(before)), y[0]})
	}
	return x, y, benchmark.Fit(x, y)
}

func pss(s benchmark.Size) int64  { return s.PSS }
func disk(s benchmark.Size) int64 { return s.Disk }

func (v view) memory() Section {
	s := Section{ID: "memory", Title: "Memory", Words: []string{
		"What it takes to keep N instances running: the sum of PSS (a page that two processes share is half of each) of the workload and of all that serves it, emulators, watchers, shims and daemons. The slope, by least squares, is the price of one more."},
		Table: Table{Caption: "Memory of N instances", From: "sizes",
			Head: []string{"", "what", "N", "PSS", "of it daemons", "memory.current", "fall of MemAvailable", "processes", "one more takes"}}}
	var all, small []curve
	var marks []mark
	for _, f := range v.Targets {
		before, list := v.sizes(f.Name)
		if len(list) == 0 {
			continue
		}
		x, y, line := each(before, list, pss)
		c := curve{label(f, f.Name), string(f.Kind), x, y}
		marks = append(marks, mark{f.Name, string(f.Kind), label(f, "+"+size(line.Slope)), []float64{line.Slope}, nil, benchmark.Summary{}})
		all = append(all, c)
		if f.Kind != benchmark.Machine {
			small = append(small, c)
		}
		for i, n := range list {
			slope, current := "", "–"
			if i == len(list)-1 {
				slope = size(line.Slope)
			}
			if n.Cgroup >= 0 {
				current = size(float64(n.Cgroup))
			}
			s.Table.Rows = append(s.Table.Rows, []string{f.Name, how(f), strconv.Itoa(n.N), size(float64(n.PSS)), size(float64(n.Daemons)), current,
				size(float64(before.Available - n.Available)), strconv.Itoa(n.Processes), slope})
		}
	}
	s.Strips = []*Strip{strip("picture-each", "One more instance takes", "the slope of memory, on a logarithmic scale", marks, 1<<20, 0, size, sizeOnAxis)}
	if len(all) > len(small) {
		s.Lines = append(s.Lines, lines("picture-memory", "All", "memory against the number of instances", all))
	}
	if len(small) > 0 {
		s.Lines = append(s.Lines, lines("picture-memory-containers", "Without machines", "memory against the number of instances, without machines", small))
	}
	return s
}

func (v view) disk() Section {
	s := Section{ID: "disk", Title: "Disk", Words: []string{
		"Blocks on the disk with N instances of one image or one box: the hollow dot is what lies there before the first, the full one what lies there with the last. The containers' image holds the workload and nothing else, since a container needs no system of its own; a machine does.",
		"crun and runc know no images: their containers share one folder."},
		Table: Table{Caption: "Disk of N instances", From: "sizes, diskBytes", Head: []string{"", "what", "before", "N", "with N", "one more takes"}}}
	var marks []mark
	for _, f := range v.Targets {
		before, list := v.sizes(f.Name)
		if len(list) == 0 {
			continue
		}
		_, y, line := each(before, list, disk)
		last := list[len(list)-1]
		marks = append(marks, mark{f.Name, string(f.Kind), label(f, size(y[len(y)-1])),
			y[len(y)-1:], []float64{float64(before.Disk)}, benchmark.Summary{}})
		s.Table.Rows = append(s.Table.Rows, []string{f.Name, how(f), size(float64(before.Disk)), strconv.Itoa(last.N), size(float64(last.Disk)), size(max(0, line.Slope))})
	}
	s.Strips = []*Strip{strip("picture-disk", "Bytes on disk", "bytes on disk, on a logarithmic scale", marks, 1<<20, 0, size, sizeOnAxis)}
	return s
}

func (v view) work() Section {
	s := Section{ID: "work", Title: "Running", Words: []string{
		"How much is done in a second inside, as a part of what the host does right before. The line is the host: 100 %."},
		Table: Table{Caption: "Work done inside against the host", From: "work", Head: []string{"", "what", "work", "inside", "on the host", "inside / host"}}}
	for _, kind := range benchmark.WorkKinds() {
		var marks []mark
		for _, f := range v.Targets {
			var ratios, inside, host []float64
			for _, w := range v.Work {
				if w.Target == f.Name && w.Kind == kind[0] {
					ratios, inside, host = append(ratios, w.Inside/w.Host), append(inside, w.Inside), append(host, w.Host)
				}
			}
			if len(ratios) == 0 || f.Kind == benchmark.Process {
				continue
			}
			sum := benchmark.Summarize(ratios)
			marks = append(marks, mark{f.Name, string(f.Kind), label(f, share(sum.Median)), ratios, nil, sum})
			s.Table.Rows = append(s.Table.Rows, []string{f.Name, how(f), kind[0],
				rate(benchmark.Summarize(inside).Median), rate(benchmark.Summarize(host).Median), share(sum.Median)})
		}
		if len(marks) > 0 {
			s.Strips = append(s.Strips, strip("picture-work-"+kind[0], kind[1], kind[1]+", as a part of the host's, on a logarithmic scale", marks, 1, 1, share, share))
		}
	}
	return s
}
