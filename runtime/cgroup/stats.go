package cgroup

import "fmt"

// Stats is the usage and the limits of a cgroup and those below it, in the shape in
// which `runc events` prints them. That shape is older than version 2, so some
// numbers are made of two files, or have another name. Without a controller its
// numbers are 0.
type Stats struct {
	CPU       CPU                `json:"cpu"`
	CPUSet    struct{}           `json:"cpuset"` // of version 1 only
	Memory    Memory             `json:"memory"`
	Pids      PidsStats          `json:"pids"`
	Blkio     Blkio              `json:"blkio"`
	Hugetlb   map[string]Hugetlb `json:"hugetlb"`
	IntelRdt  struct{}           `json:"intel_rdt"`
	Interface []struct{}         `json:"network_interfaces"`
}

// CPU is in nanoseconds.
type CPU struct {
	Usage struct {
		Total  uint64 `json:"total,omitempty"`
		Kernel uint64 `json:"kernel"`
		User   uint64 `json:"user"`
	} `json:"usage"`
	Throttling struct {
		Periods          uint64 `json:"periods,omitempty"`
		ThrottledPeriods uint64 `json:"throttledPeriods,omitempty"`
		ThrottledTime    uint64 `json:"throttledTime,omitempty"`
	} `json:"throttling"`
	Pressure *Pressure `json:"psi,omitempty"`
}

// Memory is in bytes. No limit is math.MaxUint64.
type Memory struct {
	Cache     uint64            `json:"cache,omitempty"`
	Usage     MemoryUsage       `json:"usage"`
	Swap      MemoryUsage       `json:"swap"` // memory and swap together, as in version 1
	Kernel    MemoryUsage       `json:"kernel"`
	KernelTCP MemoryUsage       `json:"kernelTCP"`
	Raw       map[string]uint64 `json:"raw,omitempty"` // memory.stat
	Pressure  *Pressure         `json:"psi,omitempty"`
}

// MemoryUsage is in bytes; Max is the highest usage so far.
type MemoryUsage struct {
	Limit   uint64 `json:"limit"`
	Usage   uint64 `json:"usage,omitempty"`
	Max     uint64 `json:"max,omitempty"`
	Failcnt uint64 `json:"failcnt"`
}

// PidsStats is the number of processes and threads; a limit of 0 is none.
type PidsStats struct {
	Current uint64 `json:"current,omitempty"`
	Limit   uint64 `json:"limit,omitempty"`
}

// Blkio has bytes and requests of each disk.
type Blkio struct {
	Bytes    []BlkioEntry `json:"ioServiceBytesRecursive,omitempty"`
	Requests []BlkioEntry `json:"ioServicedRecursive,omitempty"`
	Pressure *Pressure    `json:"psi,omitempty"`
}

// BlkioEntry counts one direction, Read or Write, of one disk.
type BlkioEntry struct {
	Major uint64 `json:"major,omitempty"`
	Minor uint64 `json:"minor,omitempty"`
	Op    string `json:"op,omitempty"`
	Value uint64 `json:"value,omitempty"`
}

// Hugetlb is the usage of huge pages of one size, in bytes; Failcnt is how often the
// limit was reached.
type Hugetlb struct {
	Usage   uint64 `json:"usage,omitempty"`
	Failcnt uint64 `json:"failcnt"`
}

// Pressure is the share of time in percent in which some, or all, processes waited
// for a resource (Documentation/accounting/psi.rst).
type Pressure struct {
	Some Stall `json:"some,omitzero"`
	Full Stall `json:"full,omitzero"`
}

// Stall is the average over the last 10, 60 and 300 seconds in percent, and the total
// in microseconds.
type Stall struct {
	Avg10  float64 `json:"avg10"`
	Avg60  float64 `json:"avg60"`
	Avg300 float64 `json:"avg300"`
	Total  uint64  `json:"total"`
}

// ReadStats reads the counters of the cgroup at path.
func ReadStats(path string) (*Stats, error) {
	s := &Stats{Hugetlb: map[string]Hugetlb{}}
	for _, part := range []func(string) error{s.cpu, s.memory, s.pids, s.blkio, s.hugetlb} {
		if err := part(path); err != nil {
			return nil, fmt.Errorf("read counters of cgroup %s: %w", path, err)
		}
	}
	return s, nil
}
