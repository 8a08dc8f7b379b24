package cgroup

import (
	"fmt"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Disks. A limit is for one device and one direction, and the file io.max has a line
// for each device: "8:0 rbps=1048576 wiops=max". Keys that a write does not mention
// stay as they are, so each limit is a write of its own.
//
// A weight counts when several cgroups want the same disk. The scheduler BFQ has its
// own file, in the scale of version 1, 10 to 1000; otherwise the file is io.weight,
// 1 to 10000.

func blockIO(r *specs.LinuxResources) (files []File, err error) {
	b := r.BlockIO
	if b == nil {
		return nil, nil
	}
	if isSet(b.LeafWeight) {
		return nil, fmt.Errorf("blockIO.leafWeight: not supported by cgroup v2")
	}
	if isSet(b.Weight) {
		w, err := diskWeight("blockIO.weight", "", *b.Weight)
		if err != nil {
			return nil, err
		}
		files = w
	}
	for i, d := range b.WeightDevice {
		from := fmt.Sprintf("blockIO.weightDevice[%d]", i)
		if isSet(d.LeafWeight) {
			return nil, fmt.Errorf("%s.leafWeight: not supported by cgroup v2", from)
		}
		if d.Weight == nil {
			return nil, fmt.Errorf("%s: weight missing", from)
		}
		if !isSet(d.Weight) {
			continue
		}
		w, err := diskWeight(from, device(d.LinuxBlockIODevice)+" ", *d.Weight)
		if err != nil {
			return nil, err
		}
		files = append(files, w...)
	}
	for _, t := range []struct {
		from, key, why string
		devices        []specs.LinuxThrottleDevice
	}{
		{"throttleReadBpsDevice", "rbps", "bytes read a second from this disk", b.ThrottleReadBpsDevice},
		{"throttleWriteBpsDevice", "wbps", "bytes written a second to this disk", b.ThrottleWriteBpsDevice},
		{"throttleReadIOPSDevice", "riops", "read operations a second on this disk", b.ThrottleReadIOPSDevice},
		{"throttleWriteIOPSDevice", "wiops", "write operations a second on this disk", b.ThrottleWriteIOPSDevice},
	} {
		for i, d := range t.devices {
			value := device(d.LinuxBlockIODevice) + " " + t.key + "=" + rate(d.Rate)
			from := fmt.Sprintf("blockIO.%s[%d]", t.from, i)
			files = append(files, File{Name: "io.max", Value: value, From: from, Why: t.why})
		}
	}
	return files, nil
}

// diskWeight returns a weight in both scales, with the formula of runc.
func diskWeight(from, device string, weight uint16) ([]File, error) {
	if weight < 10 || weight > 1000 {
		return nil, fmt.Errorf("%s: %d: want 10 to 1000", from, weight)
	}
	const why = "share of the disk when others want it"
	scaled := 1 + (int(weight)-10)*9999/990
	return []File{
		{Name: "io.bfq.weight", Value: device + strconv.Itoa(int(weight)), From: from, Why: why, Optional: true},
		{Name: "io.weight", Value: device + strconv.Itoa(scaled), From: from, Why: why, Instead: true},
	}, nil
}

func device(d specs.LinuxBlockIODevice) string { return fmt.Sprintf("%d:%d", d.Major, d.Minor) }

// rate prints a limit a second; 0 meant none in version 1.
func rate(n uint64) string {
	if n == 0 {
		return "max"
	}
	return strconv.FormatUint(n, 10)
}
