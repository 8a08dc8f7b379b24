package report

import (
	"slices"
	"strings"

	"github.com/minictr/minictr/benchmark"
)

// Key is one of the large figures at the top.
type Key struct {
	What, Small, Large          string // "4.2 ms", "29 s"
	SmallName, LargeName, Ratio string
}

// Keys compares minictr's container with the machine that a person would start:
// vagrant's or, where that was not measured, the first that was.
func (v view) Keys() (keys []Key) {
	var small, large benchmark.Facts
	for _, f := range v.Targets {
		switch measured := len(v.took(f.Name, false)) > 0; {
		case measured && f.Name == "minictr run -d":
			small = f
		case measured && f.Kind == benchmark.Machine && (large.Name == "" || strings.HasPrefix(f.Name, "vagrant")):
			large = f
		}
	}
	figures := func(name string) [3]float64 {
		_, _, memory := v.growth(name, memoryOf)
		_, _, disk := v.growth(name, diskOf)
		return [...]float64{benchmark.Summarize(v.took(name, false)).Median, memory, disk}
	}
	whats := [...]string{"to the first answer", "of memory for each", "of disk for each"}
	a, b := figures(small.Name), figures(large.Name)
	for i, u := range [...]unit{nanoseconds, bytes, bytes} {
		if a[i] > 0 && b[i] > 0 {
			keys = append(keys, Key{whats[i], u.write(a[i]), label(large, u.write(b[i])),
				small.Name, large.Name, times(b[i] / a[i])})
		}
	}
	return keys
}

func (v view) emulated() bool {
	return slices.ContainsFunc(v.Targets, func(f benchmark.Facts) bool { return f.Emulated })
}

// KVM returns whether machines could use it: a device that opens is no proof.
func (v view) KVM() string {
	if v.emulated() && v.System.KVM == "usable" {
		return "/dev/kvm opens, but the machines ran without it"
	}
	return v.System.KVM
}

// failures of one target.
type failures struct {
	benchmark.Failure // the first
	Times             int
}

// Failures returns those of each target as one.
func (v view) Failures() (list []*failures) {
	for _, f := range v.Failed {
		i := slices.IndexFunc(list, func(l *failures) bool { return l.What == f.What })
		if i < 0 {
			i, list = len(list), append(list, &failures{Failure: f})
		}
		list[i].Times++
	}
	return list
}
