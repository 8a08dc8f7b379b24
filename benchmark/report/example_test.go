package report_test

import (
	"math/rand/v2"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// example is a report as it might be, with everything that can stand in one: it
// was not measured.
func example() *benchmark.Report {
	r := &benchmark.Report{
		Made: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Took: 10 * time.Minute, Options: benchmark.Full(),
		System: benchmark.System{Kernel: "6.18.0", Arch: "x86_64", OS: "Debian GNU/Linux 12", CPU: "A processor", CPUs: 2, Memory: 8 << 30, Cgroup: "v2 alone", KVM: "there is no /dev/kvm"},
	}
	random := rand.New(rand.NewPCG(1, 1))
	for _, t := range [...]struct {
		facts    benchmark.Facts
		phases   []benchmark.Phase
		memory   int64 // bytes for each
		daemons  int64
		disk     int64
		slowness float64
	}{
		{benchmark.Facts{Name: "fork+exec", Kind: benchmark.Process}, phases("fork, exec", .9, "first byte", .4), 700 << 10, 0, 1 << 20, 1},
		{benchmark.Facts{Name: "minictr run", Kind: benchmark.Container}, phases("engine", 3.5, "first byte", .5), 7 << 20, 0, 2 << 20, 1.02},
		{benchmark.Facts{Name: "minictr run -d", Kind: benchmark.Container}, phases("engine", 4.1, "first byte", .5), 900 << 10, 0, 2 << 20, 1.02},
		{benchmark.Facts{Name: "crun run -d", Kind: benchmark.Container}, phases("engine", 7.2, "first byte", .5), 910 << 10, 0, 2 << 20, 1.02},
		{benchmark.Facts{Name: "docker run -d", Kind: benchmark.Container}, phases("engine", 250, "first byte", .6), 6 << 20, 110 << 20, 3 << 20, 1.03},
		{benchmark.Facts{Name: "QEMU, kernel and initramfs", Kind: benchmark.Machine, Emulated: true}, phases("QEMU", 210, "kernel", 1700, "user space", 110, "first byte", 30), 150 << 20, 0, 12 << 20, 14},
		{benchmark.Facts{Name: "vagrant up", Kind: benchmark.Machine, Emulated: true}, phases("vagrant, libvirt, QEMU", 6500, "kernel", 3400, "user space", 7900, "ssh", 10800, "first byte", 300), 270 << 20, 60 << 20, 104 << 20, 15},
	} {
		t.facts.Version, t.facts.Seen = "1.0", benchmark.Answer{Kernel: "6.18.0", Processes: 1, MemoryKiB: 8 << 20}
		r.Targets = append(r.Targets, t.facts)
		for i := range 12 {
			start := benchmark.Start{Target: t.facts.Name, Cold: i > 8, Order: len(r.Starts)}
			for _, p := range t.phases {
				start.Phases = append(start.Phases, benchmark.Phase{Name: p.Name, Took: time.Duration(float64(p.Took) * (1 + random.Float64()/3))})
			}
			r.Starts = append(r.Starts, start)
		}
		for _, n := range []int64{0, 1, 2, 3, 10} {
			r.Sizes = append(r.Sizes, benchmark.Size{Target: t.facts.Name, N: int(n), PSS: t.daemons + n*t.memory, Daemons: t.daemons, Cgroup: -1,
				Available: 6<<30 - n*t.memory, Disk: t.disk + n*t.disk/100, Processes: int(n)})
		}
		for _, kind := range benchmark.WorkKinds() {
			r.Work = append(r.Work, benchmark.Work{Target: t.facts.Name, Kind: kind[0], Inside: 1e6 / t.slowness, Host: 1e6})
		}
	}
	r.Starts = append(r.Starts, benchmark.Start{Target: "minictr run", Explained: true,
		Phases: phases("the engine itself", 2.6, "cgroup", .3, "mount", .9, "clone", .8, "pivot", .1, "exec", .2, "first byte", .5)})
	r.Targets = append(r.Targets, benchmark.Facts{Name: "podman run -d", Kind: benchmark.Container, LeftOut: "podman is not installed"})
	for range 2 {
		r.Failed = append(r.Failed, benchmark.Failure{What: "vagrant up", Reason: "the machine ended before it was at \"services\"\nKernel panic"})
	}
	return r
}

// phases from names and milliseconds.
func phases(list ...any) (all []benchmark.Phase) {
	for i := 0; i < len(list); i += 2 {
		ms, ok := list[i+1].(float64)
		if !ok {
			ms = float64(list[i+1].(int))
		}
		all = append(all, benchmark.Phase{Name: list[i].(string), Took: time.Duration(ms * 1e6)})
	}
	return all
}
