package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

const (
	pidsDefault  = 2048
	memoryMin    = 6 << 20 // docker's: less cannot start a process
	memoryMax    = math.MaxInt64 / 2
	cpuPeriod    = 100_000 // microseconds; the kernel's own
	cpuTimeMin   = 1000    // of a period and of a quota: the kernel's
	cpuPeriodMax = 1_000_000
	cpusMin      = 0.01 // the shortest quota the kernel takes is 1 ms
	cpusMax      = 8192 // CONFIG_NR_CPUS
	cpuShares    = 1024 // everybody's
	cpuSharesMin = 2
	cpuSharesMax = 262_144
	swapHint     = "--memory-swap is memory and swap together: give --memory too, and not more than that"
	quotaHint    = "--cpus 1.5 is --cpu-quota 150000 of --cpu-period 100000: say it in one way"
)

func (b *builder) setResources() error { return b.o.Limits.Set(b.spec.Linux.Resources, b.host) }

// Set writes the limits into r, for the machine host.
func (l *Limits) Set(r *specs.LinuxResources, host Host) error {
	for _, part := range []func(*specs.LinuxResources, Host) error{
		l.setMemory, l.setCPU, l.setCpuset, l.setPids, l.setBlkio, l.setHugetlb, l.setCgroupFiles,
	} {
		if err := part(r, host); err != nil {
			return err
		}
	}
	return nil
}

func (l *Limits) setMemory(r *specs.LinuxResources, _ Host) error {
	limit, err := parseMemory("--memory", l.Memory)
	if err != nil {
		return err
	}
	if limit > 0 && limit < memoryMin {
		return fmt.Errorf("--memory %q: less than 6m, too little to start a process", l.Memory)
	}
	swap, err := l.swapLimit(limit)
	if err != nil {
		return err
	}
	if limit != 0 {
		r.Memory = &specs.LinuxMemory{Limit: &limit, Swap: &swap}
	}
	return l.setReservation(r, limit)
}

// setReservation keeps memory for the container as long as others have some to
// give. The config has no word for none, the file has.
func (l *Limits) setReservation(r *specs.LinuxResources, limit int64) error {
	reservation, err := parseMemory("--memory-reservation", l.MemoryReservation)
	switch {
	case err != nil:
		return err
	case limit > 0 && reservation > limit:
		return fmt.Errorf("--memory-reservation %q: more than --memory %q", l.MemoryReservation, l.Memory)
	case reservation == -1:
		r.Unified = map[string]string{"memory.low": "0"}
	case reservation > 0 && r.Memory == nil:
		r.Memory = &specs.LinuxMemory{Reservation: &reservation}
	case reservation > 0:
		r.Memory.Reservation = &reservation
	}
	return nil
}

// swapLimit is the limit of memory and swap together, -1 for none.
func (l *Limits) swapLimit(memory int64) (int64, error) {
	unset := l.MemorySwap == "" || l.MemorySwap == "0"
	if memory <= 0 {
		if !unset && l.MemorySwap != "-1" {
			return 0, hint.New(fmt.Errorf("--memory-swap %q: no memory limit", l.MemorySwap), swapHint)
		}
		return -1, nil
	}
	if unset {
		return 2 * memory, nil
	}
	swap, err := parseMemory("--memory-swap", l.MemorySwap)
	if err == nil && swap > 0 && swap < memory {
		err = hint.New(fmt.Errorf("--memory-swap %q: less than --memory %q", l.MemorySwap, l.Memory), swapHint)
	}
	return swap, err
}

// parseMemory reads a number of bytes with docker's units: b, k, m and g, which
// are powers of 1024. No word is 0; no limit, 0 or -1, is -1.
func parseMemory(flag, word string) (int64, error) {
	switch word {
	case "":
		return 0, nil
	case "0", "-1":
		return -1, nil
	}
	n, err := units.RAMInBytes(word)
	if err != nil || n <= 0 || n > memoryMax {
		return 0, hint.New(fmt.Errorf("%s %q: not a size", flag, word), "write a number and b, k, m or g, as in 512m")
	}
	return n, nil
}

func (l *Limits) setCPU(r *specs.LinuxResources, _ Host) error {
	cpu := &specs.LinuxCPU{}
	quota, period, err := l.bandwidth()
	if err != nil {
		return err
	}
	if period != 0 {
		cpu.Quota, cpu.Period = &quota, &period
	}
	if l.CPUShares != nil {
		shares := *l.CPUShares
		if shares == 0 {
			shares = cpuShares
		}
		if shares < cpuSharesMin || shares > cpuSharesMax {
			return fmt.Errorf("--cpu-shares %d: not between %d and %d", shares, cpuSharesMin, cpuSharesMax)
		}
		cpu.Shares = &shares
	}
	if *cpu != (specs.LinuxCPU{}) {
		r.CPU = cpu
	}
	return nil
}

// bandwidth is how long the container may run in each period; a quota of -1 is
// for ever, and without a period nothing was said about it.
func (l *Limits) bandwidth() (quota int64, period uint64, err error) {
	if l.CPUs == "" {
		return l.quota()
	}
	if l.CPUPeriod != nil || l.CPUQuota != nil {
		return 0, 0, hint.New(fmt.Errorf("--cpus %q: besides --cpu-quota or --cpu-period", l.CPUs), quotaHint)
	}
	if l.CPUs == "0" {
		return -1, cpuPeriod, nil
	}
	n, err := strconv.ParseFloat(l.CPUs, 64)
	if err != nil || !(cpusMin <= n && n <= cpusMax) {
		return 0, 0, hint.New(fmt.Errorf("--cpus %q: not a number of processors", l.CPUs), "write 0.01 or more, as in --cpus 1.5")
	}
	return int64(math.Round(n * cpuPeriod)), cpuPeriod, nil
}

func (l *Limits) quota() (quota int64, period uint64, err error) {
	if l.CPUPeriod == nil && l.CPUQuota == nil {
		return 0, 0, nil
	}
	quota, period = -1, cpuPeriod
	if l.CPUPeriod != nil {
		period = *l.CPUPeriod
	}
	if l.CPUQuota != nil && *l.CPUQuota != 0 {
		quota = *l.CPUQuota
	}
	switch {
	case period < cpuTimeMin || period > cpuPeriodMax:
		err = fmt.Errorf("--cpu-period %d: not between %d and %d microseconds", period, cpuTimeMin, cpuPeriodMax)
	case quota < -1 || quota >= 0 && quota < cpuTimeMin:
		err = hint.New(fmt.Errorf("--cpu-quota %d: less than %d microseconds", quota, cpuTimeMin), "-1 means no limit")
	}
	return quota, period, err
}

// setPids limits the number of processes: 0 and -1 mean no limit.
func (l *Limits) setPids(r *specs.LinuxResources, host Host) error {
	limit := int64(pidsDefault)
	switch {
	case l.PidsLimit != nil:
		limit = *l.PidsLimit
	case !slices.Contains(host.Controllers, "pids"):
		return nil
	}
	if limit < -1 {
		return hint.New(fmt.Errorf("--pids-limit %d: negative", limit), "-1 means no limit")
	}
	if limit == 0 {
		limit = -1
	}
	r.Pids = &specs.LinuxPids{Limit: &limit}
	return nil
}

// setHugetlb limits huge pages, of each size for itself.
func (l *Limits) setHugetlb(r *specs.LinuxResources, _ Host) error {
	for _, word := range l.HugetlbLimits {
		page, limit, _ := strings.Cut(word, ":")
		size, err := units.RAMInBytes(page)
		n, limitErr := units.RAMInBytes(limit)
		if err != nil || limitErr != nil || size < 1<<10 || n < 0 {
			return hint.New(fmt.Errorf("--hugetlb-limit %q: not a size of pages and a size", word),
				"write as in 2MB:64m; the sizes that this machine has are in /sys/kernel/mm/hugepages")
		}
		r.HugepageLimits = append(r.HugepageLimits, specs.LinuxHugepageLimit{Pagesize: pageSize(size), Limit: uint64(n)})
	}
	return nil
}

// pageSize is a size as the kernel names files after it: 64KB, 2MB, 1GB.
func pageSize(n int64) string {
	switch {
	case n >= 1<<30:
		return strconv.FormatInt(n>>30, 10) + "GB"
	case n >= 1<<20:
		return strconv.FormatInt(n>>20, 10) + "MB"
	}
	return strconv.FormatInt(n>>10, 10) + "KB"
}
