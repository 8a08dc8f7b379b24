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

func (s *Stats) cpu(path string) (err error) {
	const nanoseconds = 1000 // in a microsecond
	stat, err := readTable(path, "cpu.stat")
	if err != nil {
		return err
	}
	s.CPU.Usage.Total = stat["usage_usec"] * nanoseconds
	s.CPU.Usage.User = stat["user_usec"] * nanoseconds
	s.CPU.Usage.Kernel = stat["system_usec"] * nanoseconds
	s.CPU.Throttling.Periods = stat["nr_periods"]
	s.CPU.Throttling.ThrottledPeriods = stat["nr_throttled"]
	s.CPU.Throttling.ThrottledTime = stat["throttled_usec"] * nanoseconds
	s.CPU.Pressure, err = readPressure(path, "cpu.pressure")
	return err
}

func (s *Stats) memory(path string) (err error) {
	m := &s.Memory
	if m.Pressure, err = readPressure(path, "memory.pressure"); err != nil {
		return err
	}
	if m.Raw, err = readTable(path, "memory.stat"); err != nil || m.Raw == nil {
		return err
	}
	m.Cache = m.Raw["file"]
	if m.Usage, err = readUsage(path, "memory."); err != nil {
		return err
	}
	if m.Swap, err = readUsage(path, "memory.swap."); err != nil {
		return err
	}
	m.Swap.Max = 0 // unknown: the two peaks may have been at different times
	m.Swap.Usage += m.Usage.Usage
	if m.Swap.Limit += m.Usage.Limit; m.Swap.Limit < m.Usage.Limit {
		m.Swap.Limit = math.MaxUint64
	}
	return nil
}

func readUsage(path, prefix string) (u MemoryUsage, err error) {
	for name, n := range map[string]*uint64{"current": &u.Usage, "max": &u.Limit, "peak": &u.Max} {
		if *n, err = readNumber(path, prefix+name); err != nil {
			return u, err
		}
	}
	return u, nil
}

func (s *Stats) pids(path string) (err error) {
	if s.Pids.Current, err = readNumber(path, "pids.current"); err != nil {
		return err
	}
	if s.Pids.Limit, err = readNumber(path, "pids.max"); s.Pids.Limit == math.MaxUint64 {
		s.Pids.Limit = 0
	}
	if s.Pids.Current == 0 {
		var list []int
		list, err = Pids(path)
		s.Pids.Current = uint64(len(list))
	}
	return err
}

// blkio reads io.stat, with lines like "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5".
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
	s.Blkio.Pressure, err = readPressure(path, "io.pressure")
	return err
}

// hugetlb reads what is reserved, or else what is used, of each page size.
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
		if h.Usage, err = readNumber(path, current); err != nil {
			return err
		}
		events, err := readTable(path, "hugetlb."+size+".events")
		if err != nil {
			return err
		}
		h.Failcnt = events["max"]
		s.Hugetlb[size] = h
	}
	return nil
}

// readNumber reads a file with one number: "max" is math.MaxUint64, and a file that
// does not exist is 0.
func readNumber(path, name string) (uint64, error) {
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

// readTable reads a file with a name and a number in each line. It returns nil if the
// file does not exist.
func readTable(path, name string) (map[string]uint64, error) {
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

// readPressure reads lines like "some avg10=0.00 avg60=0.00 avg300=0.00 total=0". It
// returns nil if the kernel does not count pressure, or not for this cgroup.
func readPressure(path, name string) (*Pressure, error) {
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
		const format = "%s avg10=%f avg60=%f avg300=%f total=%d"
		if _, err := fmt.Sscanf(line, format, &kind, &s.Avg10, &s.Avg60, &s.Avg300, &s.Total); err != nil {
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
