package stats

import (
	"io/fs"
	"math"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/minictr/minictr/runtime/cgroup"
)

// Usage is what a container uses, in bytes, percent and nanoseconds.
type Usage struct {
	CPU      *CPU     `json:"cpu"`
	Memory   *Memory  `json:"memory"`
	Pids     *Pids    `json:"pids"`
	IO       *IO      `json:"io"`
	Pressure Pressure `json:"pressure"`
}

// CPU is the time on all processors since the start of the container, and the share of one
// processor, in percent, since the sample before; nil if there is none.
type CPU struct {
	Nanoseconds uint64   `json:"nanoseconds"`
	Percent     *float64 `json:"percent"`
}

// Memory is in bytes: memory.current, and of memory.stat the anonymous memory of the
// processes, the page cache, and the kernel's memory. Current is these three and more. No
// limit is nil.
type Memory struct {
	Current uint64   `json:"current"`
	Anon    uint64   `json:"anon"`
	File    uint64   `json:"file"`
	Kernel  uint64   `json:"kernel"`
	Limit   *uint64  `json:"limit"`
	Percent *float64 `json:"percent"` // of the limit
}

// Pids counts processes and threads.
type Pids struct {
	Current uint64  `json:"current"`
	Limit   *uint64 `json:"limit"`
}

// IO is the number of bytes read from and written to all disks.
type IO struct {
	Read    uint64 `json:"read"`
	Written uint64 `json:"written"`
}

// Pressure is the pressure on each resource.
type Pressure struct {
	CPU    *Stall `json:"cpu"`
	Memory *Stall `json:"memory"`
	IO     *Stall `json:"io"`
}

// Stall is the share of the last ten seconds in which some or all processes waited, in
// percent.
type Stall struct {
	Some float64 `json:"some"`
	Full float64 `json:"full"`
}

// Samples holds the last CPU time of each cgroup, by its inode: a restarted container has a
// new one.
type Samples map[uint64]sample

type sample struct {
	at          time.Time
	nanoseconds uint64
}

// Read reads the cgroup at path, and keeps the sample. The error is fs.ErrNotExist if the
// cgroup does not exist, or is removed meanwhile.
func (r Samples) Read(path string) (*Usage, error) {
	// the numbers, of one cgroup
	inode, err := inodeOf(path)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	s, err := cgroup.ReadStats(path)
	controllers := cgroup.Available(path)
	// files of a removed cgroup look as if they were missing
	if now, err := inodeOf(path); err != nil || now != inode {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	// what every cgroup counts, and what its controllers count
	u := &Usage{
		CPU:      &CPU{Nanoseconds: s.CPU.Usage.Total},
		Pressure: Pressure{stallOf(s.CPU.Pressure), stallOf(s.Memory.Pressure), stallOf(s.Blkio.Pressure)},
	}
	if last, ok := r[inode]; ok {
		u.CPU.Percent = percent(float64(s.CPU.Usage.Total-last.nanoseconds), float64(now.Sub(last.at)))
	}
	r[inode] = sample{now, s.CPU.Usage.Total}
	if slices.Contains(controllers, "memory") {
		u.Memory = memory(&s.Memory)
	}
	if slices.Contains(controllers, "pids") {
		u.Pids = &Pids{s.Pids.Current, limitOf(s.Pids.Limit)}
	}
	if slices.Contains(controllers, "io") {
		u.IO = disks(&s.Blkio)
	}
	return u, nil
}

func memory(m *cgroup.Memory) *Memory {
	u := &Memory{
		Current: m.Usage.Usage, Anon: m.Raw["anon"], File: m.Raw["file"], Kernel: m.Raw["kernel"],
		Limit: limitOf(m.Usage.Limit),
	}
	if u.Limit != nil {
		u.Percent = percent(float64(u.Current), float64(*u.Limit))
	}
	return u
}

func disks(b *cgroup.Blkio) *IO {
	u := &IO{}
	for _, disk := range b.Bytes {
		if disk.Op == "Read" {
			u.Read += disk.Value
		} else {
			u.Written += disk.Value
		}
	}
	return u
}

// limitOf returns nil for no limit, which package cgroup reports as 0 or the largest number.
func limitOf(n uint64) *uint64 {
	if n == 0 || n == math.MaxUint64 {
		return nil
	}
	return &n
}

// percent returns a share rounded to two decimal places, nil if whole is not positive.
func percent(part, whole float64) *float64 {
	if whole <= 0 {
		return nil
	}
	return new(math.Round(part/whole*10000) / 100)
}

func stallOf(p *cgroup.Pressure) *Stall {
	if p == nil {
		return nil
	}
	return &Stall{p.Some.Avg10, p.Full.Avg10}
}

func inodeOf(path string) (uint64, error) {
	st, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return st.Sys().(*syscall.Stat_t).Ino, nil
}
