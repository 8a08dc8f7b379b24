package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What the kernel counts, in the shape in which `runc events` prints it. That
// shape is older than version 2, and so some numbers are put together from two
// files, or stand under another name. What the kernel does not count, because the
// controller was not passed down, is 0.

// Stats is what a cgroup and those below it have used and may use.
type Stats struct {
	CPU       CPU                `json:"cpu"`
	CPUSet    struct{}           `json:"cpuset"` // version 1 alone has something to tell here
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

// Memory is in bytes. No limit is the largest number.
type Memory struct {
	Cache     uint64            `json:"cache,omitempty"`
	Usage     MemoryUsage       `json:"usage"`
	Swap      MemoryUsage       `json:"swap"` // memory and swap together, as in version 1
	Kernel    MemoryUsage       `json:"kernel"`
	KernelTCP MemoryUsage       `json:"kernelTCP"`
	Raw       map[string]uint64 `json:"raw,omitempty"` // memory.stat
	Pressure  *Pressure         `json:"psi,omitempty"`
}

// MemoryUsage is one of them; Max is the most that was used so far.
type MemoryUsage struct {
	Limit   uint64 `json:"limit"`
	Usage   uint64 `json:"usage,omitempty"`
	Max     uint64 `json:"max,omitempty"`
	Failcnt uint64 `json:"failcnt"`
}

// PidsStats counts processes and threads; the limit is 0 if there is none.
type PidsStats struct {
	Current uint64 `json:"current,omitempty"`
	Limit   uint64 `json:"limit,omitempty"`
}

// Blkio lists bytes and requests of each disk.
type Blkio struct {
	Bytes    []BlkioEntry `json:"ioServiceBytesRecursive,omitempty"`
	Requests []BlkioEntry `json:"ioServicedRecursive,omitempty"`
	Pressure *Pressure    `json:"psi,omitempty"`
}

// BlkioEntry is one direction, Read or Write, of one disk.
type BlkioEntry struct {
	Major uint64 `json:"major,omitempty"`
	Minor uint64 `json:"minor,omitempty"`
	Op    string `json:"op,omitempty"`
	Value uint64 `json:"value,omitempty"`
}

// Hugetlb is of huge pages of one size, in bytes; Failcnt is how often the limit
// was met.
type Hugetlb struct {
	Usage   uint64 `json:"usage,omitempty"`
	Failcnt uint64 `json:"failcnt"`
}

// Pressure is the share of time in percent in which some, or all, processes
// waited (Documentation/accounting/psi.rst).
type Pressure struct {
	Some Stall `json:"some,omitzero"`
	Full Stall `json:"full,omitzero"`
}

// Stall is an average over the last 10, 60 and 300 seconds, and the total in
// microseconds.
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

func (s *Stats) cpu(path string) (err error) {
	const nanoseconds = 1000 // in a microsecond
	stat, err := table(path, "cpu.stat")
	if err != nil {
		return err
	}
	s.CPU.Usage.Total = stat["usage_usec"] * nanoseconds
	s.CPU.Usage.User = stat["user_usec"] * nanoseconds
	s.CPU.Usage.Kernel = stat["system_usec"] * nanoseconds
	s.CPU.Throttling.Periods = stat["nr_periods"]
	s.CPU.Throttling.ThrottledPeriods = stat["nr_throttled"]
	s.CPU.Throttling.ThrottledTime = stat["throttled_usec"] * nanoseconds
	s.CPU.Pressure, err = pressure(path, "cpu.pressure")
	return err
}

func (s *Stats) memory(path string) (err error) {
	m := &s.Memory
	if m.Pressure, err = pressure(path, "memory.pressure"); err != nil {
		return err
	}
	if m.Raw, err = table(path, "memory.stat"); err != nil || m.Raw == nil {
		return err
	}
	m.Cache = m.Raw["file"]
	if m.Usage, err = usage(path, "memory."); err != nil {
		return err
	}
	if m.Swap, err = usage(path, "memory.swap."); err != nil {
		return err
	}
	m.Swap.Max = 0 // the two may have had their highest at different times
	m.Swap.Usage += m.Usage.Usage
	if m.Swap.Limit += m.Usage.Limit; m.Swap.Limit < m.Usage.Limit {
		m.Swap.Limit = math.MaxUint64
	}
	return nil
}

func usage(path, prefix string) (u MemoryUsage, err error) {
	for name, n := range map[string]*uint64{"current": &u.Usage, "max": &u.Limit, "peak": &u.Max} {
		if *n, err = count(path, prefix+name); err != nil {
			return u, err
		}
	}
	return u, nil
}

func (s *Stats) pids(path string) (err error) {
	if s.Pids.Current, err = count(path, "pids.current"); err != nil {
		return err
	}
	if s.Pids.Limit, err = count(path, "pids.max"); s.Pids.Limit == math.MaxUint64 {
		s.Pids.Limit = 0
	}
	if s.Pids.Current == 0 {
		var list []int
		list, err = Pids(path)
		s.Pids.Current = uint64(len(list))
	}
	return err
}

// blkio: a line of io.stat is "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5".
func (s *Stats) blkio(path string) (err error) {
	lines, err := get(path, "io.stat")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for line := range strings.Lines(lines) {
		device, counters, _ := strings.Cut(line, " ")
		var e BlkioEntry
		if n, _ := fmt.Sscanf(device, "%d:%d", &e.Major, &e.Minor); n != 2 {
			continue
		}
		for field := range strings.FieldsSeq(counters) {
			key, value, _ := strings.Cut(field, "=")
			to := &s.Blkio.Bytes
			switch key {
			case "rbytes", "rios":
				e.Op = "Read"
			case "wbytes", "wios":
				e.Op = "Write"
			default:
				continue
			}
			if strings.HasSuffix(key, "ios") {
				to = &s.Blkio.Requests
			}
			if e.Value, err = strconv.ParseUint(value, 10, 64); err != nil {
				return err
			}
			*to = append(*to, e)
		}
	}
	s.Blkio.Pressure, err = pressure(path, "io.pressure")
	return err
}

// hugetlb: what is reserved, or else what is used, for each size that there is.
func (s *Stats) hugetlb(path string) error {
	files, err := filepath.Glob(filepath.Join(path, "hugetlb.*B.current"))
	if err != nil {
		return err
	}
	for _, f := range files {
		size := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f), "hugetlb."), ".current")
		if strings.HasSuffix(size, ".rsvd") {
			continue
		}
		current := "hugetlb." + size + ".current"
		if slices.Contains(files, filepath.Join(path, "hugetlb."+size+".rsvd.current")) {
			current = "hugetlb." + size + ".rsvd.current"
		}
		var h Hugetlb
		if h.Usage, err = count(path, current); err != nil {
			return err
		}
		events, err := table(path, "hugetlb."+size+".events")
		if err != nil {
			return err
		}
		h.Failcnt = events["max"]
		s.Hugetlb[size] = h
	}
	return nil
}

// count reads a file with one number. "max" is the largest; a file that is not
// there is 0.
func count(path, name string) (uint64, error) {
	text, err := get(path, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	case text == "max":
		return math.MaxUint64, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

// table reads a file with a name and a number in each line; one that is not
// there is nil.
func table(path, name string) (map[string]uint64, error) {
	text, err := get(path, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t := map[string]uint64{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if t[key], err = strconv.ParseUint(value, 10, 64); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return t, nil
}

// pressure reads lines like "some avg10=0.00 avg60=0.00 avg300=0.00 total=0". A
// kernel may be built without, or not keep it for this cgroup.
func pressure(path, name string) (*Pressure, error) {
	text, err := get(path, name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &Pressure{}
	for line := range strings.Lines(text) {
		var kind string
		var s Stall
		if _, err := fmt.Sscanf(line, "%s avg10=%f avg60=%f avg300=%f total=%d", &kind, &s.Avg10, &s.Avg60, &s.Avg300, &s.Total); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		switch kind {
		case "some":
			p.Some = s
		case "full":
			p.Full = s
		}
	}
	return p, nil
}
