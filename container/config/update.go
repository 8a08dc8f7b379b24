package config

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// Update replaces limits, and the restart policy unless restart is "".
func (s *Settings) Update(limits Limits, restart string) (err error) {
	o := &s.Options
	o.Limits = o.Limits.merge(limits)
	s.Origin.setLimits(&o.Limits)
	if restart == "" {
		return nil
	}
	o.Restart = restart
	return s.setRestart()
}

// setRestart parses the restart policy.
func (s *Settings) setRestart() (err error) {
	s.Restart, err = ParseRestart(s.Options.Restart)
	if err == nil && s.Options.Remove && s.Restart.Policy != RestartNo {
		err = errors.New("--restart and --rm exclude each other")
	}
	return err
}

// merge returns l with the limits of change in place of its own. --cpus replaces quota and
// period, and a quota replaces --cpus. A weight of 0 changes nothing, as in docker.
func (l Limits) merge(change Limits) Limits {
	if change.BlkioWeight != nil && *change.BlkioWeight == 0 {
		change.BlkioWeight = nil
	}
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

// mergeLists appends more to words and drops the words that more replaces: those with the
// same subject, which stands before the last mark, as in DEVICE:BYTES.
func mergeLists(words, more []string, mark string) []string {
	subject := func(w string) string { return w[:max(0, strings.LastIndex(w, mark))] }
	words = slices.DeleteFunc(slices.Clone(words), func(old string) bool {
		return slices.ContainsFunc(more, func(w string) bool { return subject(w) == subject(old) })
	})
	return append(words, more...)
}
