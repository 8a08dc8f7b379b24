package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// keys are the large figures: minictr's container against the machine that a
// person would start.
func (v view) keys() (keys []Key) {
	small, large := v.pair()
	if small == nil || large == nil {
		return nil
	}
	add := func(what string, a, b float64, write func(float64) string) {
		if a > 0 && b > 0 {
			keys = append(keys, Key{what, write(a), label(*large, write(b)), small.Name, large.Name, times(b / a)})
		}
	}
	add("to the first answer", benchmark.Summarize(v.took(small.Name, false)).Median, benchmark.Summarize(v.took(large.Name, false)).Median, span)
	smallBefore, a := v.sizes(small.Name)
	largeBefore, b := v.sizes(large.Name)
	_, _, smallMemory := each(smallBefore, a, pss)
	_, _, largeMemory := each(largeBefore, b, pss)
	add("of memory for each", smallMemory.Slope, largeMemory.Slope, size)
	_, _, smallDisk := each(smallBefore, a, disk)
	_, _, largeDisk := each(largeBefore, b, disk)
	add("of disk for each", smallDisk.Slope, largeDisk.Slope, size)
	return keys
}

// pair is minictr, and vagrant or, where that was not measured, the first
// machine that was.
func (v view) pair() (small, large *benchmark.Facts) {
	for i := range v.Targets {
		f := &v.Targets[i]
		if len(v.took(f.Name, false)) == 0 {
			continue
		}
		if f.Name == "minictr run -d" {
			small = f
		}
		if f.Kind == benchmark.Machine && (large == nil || strings.HasPrefix(f.Name, "vagrant")) {
			large = f
		}
	}
	return small, large
}

// system says what was measured, with what, and how.
func (v view) system() [][2]string {
	s := v.System
	where := ""
	if s.Hypervisor {
		where = ", itself a virtual machine"
	}
	facts := [][2]string{
		{"Computer", fmt.Sprintf("%s, %d CPUs, %s of memory%s", s.CPU, s.CPUs, size(float64(s.Memory)), where)},
		{"System", fmt.Sprintf("%s, Linux %s %s", s.OS, s.Kernel, s.Arch)},
		{"cgroup", s.Cgroup},
		{"KVM", v.kvm()},
	}
	for _, t := range v.Targets {
		if t.Version != "" {
			seen := fmt.Sprintf("; sees Linux %s, %d processes, %s of memory", t.Seen.Kernel, t.Seen.Processes, size(float64(t.Seen.MemoryKiB)*1024))
			facts = append(facts, [2]string{t.Name, how(t) + ", version " + t.Version + seen})
		}
	}
	o := v.Options
	amount := fmt.Sprintf("%d warm and %d cold starts of containers, %d and %d of machines, in an order mixed by seed %d; %d rounds of work of %v each",
		o.Containers, o.Cold, o.Machines, o.ColdVM, o.Seed, o.Rounds, o.Work)
	if o.Less() {
		amount += "; the full form measures more"
	}
	return append(facts,
		[2]string{"Amount", amount},
		[2]string{"Interval", "95 % confidence of the median, by bootstrap with 2000 resamples; outliers lie more than 1.5 times the middle half's width away from it"},
		[2]string{"Not counted", "downloads, loading of the image, making of the box"},
		[2]string{"Network", "containers and the process answer on a Unix socket in a folder that both sides see, machines on a forwarded port or their own address"},
		[2]string{"Taken in", v.Took.Round(time.Second).String() + ", " + v.Made.Format(time.RFC3339)},
	)
}

// kvm: that the device opens is no proof that a machine runs.
func (v view) kvm() string {
	for _, t := range v.Targets {
		if t.Emulated && v.System.KVM == "usable" {
			return "/dev/kvm opens, but the machines ran without it"
		}
	}
	return v.System.KVM
}
