package config

// Limits enter the config in the units of the OCI spec; package cgroup translates them to
// files of cgroup v2.
//
// A memory limit also limits swap, for it would otherwise only move pages to disk, and
// sets memory.oom.group, because what is left of a container after the OOM killer is
// seldom of use. The number of processes is limited by default, because a fork bomb is
// one line of shell.
//
// update takes the same flags. So 0 and -1, which mean no limit, enter the config: they
// may remove one.

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
	memoryMin    = 6 << 20 // bytes; docker's: a container needs that much to start
	memoryMax    = math.MaxInt64 / 2
	cpuPeriod    = 100_000 // microseconds; the kernel's default
	cpuTimeMin   = 1000    // microseconds, of a period and of a quota; the kernel's
	cpuPeriodMax = 1_000_000
	cpusMin      = 0.01 // the kernel's minimum quota is 1 ms
	cpusMax      = 8192 // CONFIG_NR_CPUS
	cpuShares    = 1024 // the kernel's default
	cpuSharesMin = 2
	cpuSharesMax = 262_144
	swapHint     = "--memory-swap is memory plus swap: set --memory too, to no more than that"
	quotaHint    = "use one of them: --cpus 1.5 is --cpu-quota 150000 with --cpu-period 100000"
)

func (b *builder) setResources() error { return b.o.Limits.Set(b.spec.Linux.Resources, b.host) }

// Set parses the limits and writes them into r. Of host it reads Controllers, CPUs and
// Nodes.
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

// setMemory sets the limits of memory and swap, and the reservation.
func (l *Limits) setMemory(r *specs.LinuxResources, _ Host) error {
	limit, err := parseMemory("--memory", l.Memory)
	if err != nil {
		return err
	}
	if limit > 0 && limit < memoryMin {
		return fmt.Errorf("--memory %q: below the minimum, 6m", l.Memory)
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

// setReservation protects memory of the container from reclaim (memory.low). The OCI
// config cannot express "none"; the file takes 0.
func (l *Limits) setReservation(r *specs.LinuxResources, limit int64) error {
	reservation, err := parseMemory("--memory-reservation", l.MemoryReservation)
	switch {
	case err != nil:
		return err
	case limit > 0 && reservation > limit:
		return fmt.Errorf("--memory-reservation %q: above --memory %q", l.MemoryReservation, l.Memory)
	case reservation == -1:
		r.Unified = map[string]string{"memory.low": "0"}
	case reservation > 0 && r.Memory == nil:
		r.Memory = &specs.LinuxMemory{Reservation: &reservation}
	case reservation > 0:
		r.Memory.Reservation = &reservation
	}
	return nil
}

// swapLimit returns the limit of memory plus swap in bytes, -1 for none. Without
// --memory-swap, or with 0, it is twice the memory, as in docker.
func (l *Limits) swapLimit(memory int64) (int64, error) {
	swap, err := parseMemory("--memory-swap", l.MemorySwap)
	unset := l.MemorySwap == "" || swap == -1 && l.MemorySwap != "-1"
	switch {
	case err != nil:
		return 0, err
	case memory <= 0 && swap > 0:
		return 0, hint.New(fmt.Errorf("--memory-swap %q: no memory limit", l.MemorySwap), swapHint)
	case memory <= 0:
		return -1, nil
	case unset:
		return 2 * memory, nil
	case swap > 0 && swap < memory:
		return 0, hint.New(fmt.Errorf("--memory-swap %q: below --memory %q", l.MemorySwap, l.Memory), swapHint)
	}
	return swap, nil
}

// parseMemory reads a number of bytes with docker's units b, k, m and g, powers of 1024.
// It returns 0 for an empty word, and -1 for no limit, which is typed as 0 or -1.
func parseMemory(flag, word string) (int64, error) {
	switch word {
	case "":
		return 0, nil
	case "-1":
		return -1, nil
	}
	n, err := units.RAMInBytes(word)
	if err != nil || n < 0 || n > memoryMax {
		return 0, hint.New(fmt.Errorf("%s %q: not a size", flag, word), "write a number and b, k, m or g, as in 512m")
	}
	if n == 0 {
		return -1, nil
	}
	return n, nil
}

// setCPU sets the quota, its period and the weight.
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

// bandwidth returns the CPU time, in microseconds, that the container may use in each
// period. A quota of -1 means no limit; a period of 0, that no flag was given.
func (l *Limits) bandwidth() (quota int64, period uint64, err error) {
	if l.CPUs == "" {
		return l.quota()
	}
	if l.CPUPeriod != nil || l.CPUQuota != nil {
		return 0, 0, hint.New(fmt.Errorf("--cpus %q: excludes --cpu-quota and --cpu-period", l.CPUs), quotaHint)
	}
	n, err := strconv.ParseFloat(l.CPUs, 64)
	if err == nil && n == 0 {
		return -1, cpuPeriod, nil
	}
	if err != nil || !(cpusMin <= n && n <= cpusMax) {
		return 0, 0, hint.New(fmt.Errorf("--cpus %q: not a number of processors", l.CPUs),
			"write 0.01 or more, as in --cpus 1.5")
	}
	return int64(math.Round(n * cpuPeriod)), cpuPeriod, nil
}

// quota is bandwidth of --cpu-quota and --cpu-period.
func (l *Limits) quota() (quota int64, period uint64, err error) {
	if l.CPUPeriod == nil && l.CPUQuota == nil {
		return 0, 0, nil
	}
	quota, period = -1, cpuPeriod
	if l.CPUPeriod != nil && *l.CPUPeriod != 0 {
		period = *l.CPUPeriod
	}
	if l.CPUQuota != nil && *l.CPUQuota != 0 {
		quota = *l.CPUQuota
	}
	switch {
	case period < cpuTimeMin || period > cpuPeriodMax:
		err = fmt.Errorf("--cpu-period %d: not between %d and %d microseconds", period, cpuTimeMin, cpuPeriodMax)
	case quota < -1 || quota >= 0 && quota < cpuTimeMin:
		err = hint.New(fmt.Errorf("--cpu-quota %d: below %d microseconds", quota, cpuTimeMin), "write -1 for no limit")
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
		return hint.New(fmt.Errorf("--pids-limit %d: negative", limit), "write -1 for no limit")
	}
	if limit == 0 {
		limit = -1
	}
	r.Pids = &specs.LinuxPids{Limit: &limit}
	return nil
}

// setHugetlb limits huge pages, for each page size.
func (l *Limits) setHugetlb(r *specs.LinuxResources, _ Host) error {
	for _, word := range l.HugetlbLimits {
		page, limit, _ := strings.Cut(word, ":")
		size, err := units.RAMInBytes(page)
		n, limitErr := units.RAMInBytes(limit)
		if err != nil || limitErr != nil || size < 1<<10 || n < 0 {
			return hint.New(fmt.Errorf("--hugetlb-limit %q: not PAGESIZE:LIMIT", word),
				"write as in 2MB:64m; ls /sys/kernel/mm/hugepages lists the page sizes")
		}
		hugepages := specs.LinuxHugepageLimit{Pagesize: pageSize(size), Limit: uint64(n)}
		r.HugepageLimits = append(r.HugepageLimits, hugepages)
	}
	return nil
}

// pageSize formats a page size as the names of the hugetlb files: 64KB, 2MB, 1GB.
func pageSize(n int64) string {
	switch {
	case n >= 1<<30:
		return strconv.FormatInt(n>>30, 10) + "GB"
	case n >= 1<<20:
		return strconv.FormatInt(n>>20, 10) + "MB"
	}
	return strconv.FormatInt(n>>10, 10) + "KB"
}
