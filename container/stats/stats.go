// Package meter tells what a container uses, as the kernel counts it in the files
// of its cgroup (Documentation/admin-guide/cgroup-v2.rst).
//
// Most numbers are what is used now. Time on the CPU only grows, so a share of it
// is the difference of two readings over the time between them, and 100 is one
// processor. What processes waited for is told by pressure: the share of the
// last ten seconds in which some of them, or all, stood still for want of it
// (Documentation/accounting/psi.rst).
//
// What the kernel does not count, since this machine's cgroup v2 has not the
// controller or the container was not given it, is nil: that is not 0.
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

// CPU is the time on all processors since the container began, and the share of
// one, in percent, since the reading before; nil if there was none.
type CPU struct {
	Nanoseconds uint64   `json:"nanoseconds"`
	Percent     *float64 `json:"percent"`
}

// Memory is in bytes. Anonymous memory is the processes' own; pages of files
// are a cache, which the kernel takes back when it needs room. Current is
// both, the kernel's own for this container, and some more. No limit is nil.
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

// IO is the bytes read from and written to all disks.
type IO struct {
	Read    uint64 `json:"read"`
	Written uint64 `json:"written"`
}

// Pressure is of each kind.
type Pressure struct {
	CPU    *Stall `json:"cpu"`
	Memory *Stall `json:"memory"`
	IO     *Stall `json:"io"`
}

// Stall is a share of the last ten seconds, in percent.
type Stall struct {
	Some float64 `json:"some"`
	Full float64 `json:"full"`
}

// Samples are remembered by the inode of the cgroup: a container that was started
// again has another.
type Samples map[uint64]sample

type sample struct {
	at          time.Time
	nanoseconds uint64
}

// Read reads the cgroup at path. If it is gone the error is fs.ErrNotExist.
func (r Samples) Read(path string) (*Usage, error) {
	inode, err := inodeOf(path)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	s, err := cgroup.ReadStats(path)
	counted := cgroup.Available(path)
	if again, gone := inodeOf(path); gone != nil || again != inode { // and files that were missing have gone
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	u := &Usage{
		CPU:      &CPU{Nanoseconds: s.CPU.Usage.Total},
		Pressure: Pressure{stallOf(s.CPU.Pressure), stallOf(s.Memory.Pressure), stallOf(s.Blkio.Pressure)},
	}
	if last, ok := r[inode]; ok {
		u.CPU.Percent = percent(float64(s.CPU.Usage.Total-last.nanoseconds), float64(now.Sub(last.at)))
	}
	r[inode] = sample{now, s.CPU.Usage.Total}
	if slices.Contains(counted, "memory") {
		u.Memory = memory(&s.Memory)
	}
	if slices.Contains(counted, "pids") {
		u.Pids = &Pids{s.Pids.Current, limitOf(s.Pids.Limit)}
	}
	if slices.Contains(counted, "io") {
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

// limitOf: package cgroup says 0 or the largest number for no limit.
func limitOf(n uint64) *uint64 {
	if n == 0 || n == math.MaxUint64 {
		return nil
	}
	return &n
}

// percent has two digits behind the point.
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
