package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
)

func (v view) lead() string {
	how := "Median of many starts"
	if v.Options.Less() {
		how = "A quicker look, with fewer measurements than the method asks for"
	}
	return fmt.Sprintf("%s; %s, Linux %s, cgroup %s. Measured on %s.",
		how, v.System.CPU, v.System.Kernel, v.System.Cgroup, v.Made.Format("2 January 2006"))
}

// Key is one of the large figures at the top.
type Key struct {
	What, Small, Large          string // "4.2 ms", "29 s"
	SmallName, LargeName, Ratio string
}

// keys compares minictr's container with the machine that a person would start.
func (v view) keys() (keys []Key) {
	small, large := v.pair()
	if small == nil || large == nil {
		return nil
	}
	start := func(name string) float64 { return benchmark.Summarize(v.took(name, false)).Median }
	memory := func(name string) float64 { _, _, slope := v.growth(name, memoryOf); return slope }
	disk := func(name string) float64 { _, _, slope := v.growth(name, diskOf); return slope }
	for _, k := range [...]struct {
		what   string
		figure func(name string) float64
		unit
	}{
		{"to the first answer", start, nanoseconds},
		{"of memory for each", memory, bytes},
		{"of disk for each", disk, bytes},
	} {
		if a, b := k.figure(small.Name), k.figure(large.Name); a > 0 && b > 0 {
			keys = append(keys, Key{k.what, k.text(a), label(*large, k.text(b)), small.Name, large.Name, times(b / a)})
		}
	}
	return keys
}

// pair returns minictr, and vagrant or, where that was not measured, the first
// machine that was.
func (v view) pair() (small, large *benchmark.Facts) {
	for i, f := range v.Targets {
		if len(v.took(f.Name, false)) == 0 {
			continue
		}
		if f.Name == "minictr run -d" {
			small = &v.Targets[i]
		}
		if f.Kind == benchmark.Machine && (large == nil || strings.HasPrefix(f.Name, "vagrant")) {
			large = &v.Targets[i]
		}
	}
	return small, large
}

// facts says what was measured, with what, how, and what is missing.
func (v view) facts() (facts [][2]string) {
	add := func(name, format string, args ...any) {
		facts = append(facts, [2]string{name, fmt.Sprintf(format, args...)})
	}
	s, o := v.System, v.Options

	// the computer
	where := ""
	if s.Hypervisor {
		where = ", itself a virtual machine"
	}
	add("Computer", "%s, %d CPUs, %s of memory%s", s.CPU, s.CPUs, size(s.Memory), where)
	add("System", "%s, Linux %s %s", s.OS, s.Kernel, s.Arch)
	add("cgroup", "%s", s.Cgroup)
	add("KVM", "%s", v.kvm())

	// the targets
	for _, t := range v.Targets {
		if t.Version != "" {
			add(t.Name, "%s, version %s; sees Linux %s, %d processes, %s of memory",
				kindOf(t), t.Version, t.Seen.Kernel, t.Seen.Processes, size(int64(t.Seen.MemoryKiB)*1024))
		}
	}

	// the method
	more := ""
	if o.Less() {
		more = "; the full form measures more"
	}
	add("Amount", "%d warm and %d cold starts of containers, %d and %d of machines, in an order mixed by seed %d; "+
		"%d rounds of work of %v each%s", o.Containers, o.Cold, o.Machines, o.ColdVM, o.Seed, o.Rounds, o.Work, more)
	add("Interval", "95 %% confidence of the median, by bootstrap with 2000 resamples; "+
		"outliers lie more than 1.5 times the middle half's width away from it")
	add("Not counted", "downloads, loading of the image, making of the box")
	add("Network", "containers and the process answer on a Unix socket in a directory that both sides see, "+
		"machines on a forwarded port or their own address")
	add("Taken in", "%v, %s", v.Took.Round(time.Second), v.Made.Format(time.RFC3339))

	// what is missing: failures of a target count as one, with the first reason
	for _, t := range v.Targets {
		if t.LeftOut != "" {
			add("left out: "+t.Name, "%s", brief(t.LeftOut))
		}
	}
	count := map[string]int{}
	for _, f := range v.Failed {
		count[f.What]++
	}
	for _, f := range v.Failed {
		if n := count[f.What]; n > 0 {
			add("failed: "+f.What, "%d times, and not counted: %s", n, brief(f.Reason))
			count[f.What] = 0
		}
	}
	return facts
}

// kvm returns whether machines could use KVM: a device that opens is no proof.
func (v view) kvm() string {
	for _, t := range v.Targets {
		if t.Emulated && v.System.KVM == "usable" {
			return "/dev/kvm opens, but the machines ran without it"
		}
	}
	return v.System.KVM
}

// brief puts an error on one line; report.json has all of it.
func brief(text string) string {
	const most = 300
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > most {
		return string(line[:most]) + "…"
	}
	return string(line)
}
