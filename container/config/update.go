package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

func (s *Settings) Update(limits Limits, restart string) (err error) {
	o := &s.Options
	o.Limits = o.Limits.merge(limits)
	s.Origin.setLimits(&o.Limits)
	if restart == "" {
		return nil
	}
	o.Restart = restart
	s.Restart, err = ParseRestart(restart)
	if err == nil && o.Remove && s.Restart.Policy != RestartNo {
		err = fmt.Errorf("--restart %s: a container of --rm ends once and for all", o.Restart)
	}
	return err
}

// merge is l, changed. --cpus says the same as quota and period, which it replaces.
func (l Limits) merge(change Limits) Limits {
	if change.CPUs != "" {
		l.CPUQuota, l.CPUPeriod = nil, nil
	} else if change.CPUQuota != nil {
		l.CPUs = ""
	}
	return Limits{
		Memory:             cmp.Or(change.Memory, l.Memory),
		MemorySwap:         cmp.Or(change.MemorySwap, l.MemorySwap),
		MemoryReservation:  cmp.Or(change.MemoryReservation, l.MemoryReservation),
		CPUs:               cmp.Or(change.CPUs, l.CPUs),
		CPUPeriod:          cmp.Or(change.CPUPeriod, l.CPUPeriod),
		CPUQuota:           cmp.Or(change.CPUQuota, l.CPUQuota),
		CPUShares:          cmp.Or(change.CPUShares, l.CPUShares),
		CpusetCPUs:         cmp.Or(change.CpusetCPUs, l.CpusetCPUs),
		CpusetMems:         cmp.Or(change.CpusetMems, l.CpusetMems),
		PidsLimit:          cmp.Or(change.PidsLimit, l.PidsLimit),
		BlkioWeight:        cmp.Or(change.BlkioWeight, l.BlkioWeight),
		BlkioWeightDevices: mergeLists(l.BlkioWeightDevices, change.BlkioWeightDevices, ":"),
		DeviceReadBps:      mergeLists(l.DeviceReadBps, change.DeviceReadBps, ":"),
		DeviceWriteBps:     mergeLists(l.DeviceWriteBps, change.DeviceWriteBps, ":"),
		DeviceReadIOps:     mergeLists(l.DeviceReadIOps, change.DeviceReadIOps, ":"),
		DeviceWriteIOps:    mergeLists(l.DeviceWriteIOps, change.DeviceWriteIOps, ":"),
		HugetlbLimits:      mergeLists(l.HugetlbLimits, change.HugetlbLimits, ":"),
		CgroupConf:         mergeLists(l.CgroupConf, change.CgroupConf, "="),
	}
}

// mergeLists is one list after another: of two limits for one thing the later counts. What
// it is for stands before the last mark, as in DEVICE:BYTES.
func mergeLists(words, more []string, mark string) []string {
	subject := func(w string) string { return w[:max(0, strings.LastIndex(w, mark))] }
	words = slices.DeleteFunc(slices.Clone(words), func(old string) bool {
		return slices.ContainsFunc(more, func(w string) bool { return subject(w) == subject(old) })
	})
	return append(words, more...)
}
