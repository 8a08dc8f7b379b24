package cgroup

import (
	"fmt"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Disks. A limit is for one device and one direction, and the file io.max has
// a line for each device: "8:0 rbps=1048576 wiops=max". What a line does not
// mention stays as it is, so each limit is a write of its own.
//
// A weight counts when several cgroups want the same disk. The scheduler BFQ
// has its own file, in version 1's scale of 10 to 1000; elsewhere it is
// io.weight, 1 to 10000.

func blockIO(r *specs.LinuxResources) (files []File, err error) {
	b := r.BlockIO
	if b == nil {
		return nil, nil
	}
	if isSet(b.LeafWeight) {
		return nil, fmt.Errorf("blockIO.leafWeight: cgroup v2 has no such file")
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
			return nil, fmt.Errorf("%s.leafWeight: cgroup v2 has no such file", from)
		}
		if !isSet(d.Weight) {
			return nil, fmt.Errorf("%s: no weight", from)
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
		{"throttleReadBpsDevice", "rbps", "bytes that it may read from this disk a second", b.ThrottleReadBpsDevice},
		{"throttleWriteBpsDevice", "wbps", "bytes that it may write to this disk a second", b.ThrottleWriteBpsDevice},
		{"throttleReadIOPSDevice", "riops", "how often it may read from this disk a second", b.ThrottleReadIOPSDevice},
		{"throttleWriteIOPSDevice", "wiops", "how often it may write to this disk a second", b.ThrottleWriteIOPSDevice},
	} {
		for i, d := range t.devices {
			files = append(files, File{Name: "io.max", Value: device(d.LinuxBlockIODevice) + " " + t.key + "=" + rate(d.Rate),
				From: fmt.Sprintf("blockIO.%s[%d]", t.from, i), Why: t.why})
		}
	}
	return files, nil
}

// diskWeight is a weight in both scales; of runc is the formula between them.
func diskWeight(from, device string, weight uint16) ([]File, error) {
	if weight < 10 || weight > 1000 {
		return nil, fmt.Errorf("%s: %d: want 10 to 1000", from, weight)
	}
	const why = "its share when others want the disk, too"
	return []File{
		{Name: "io.bfq.weight", Value: device + strconv.Itoa(int(weight)), From: from, Why: why, Optional: true},
		{Name: "io.weight", Value: device + strconv.Itoa(1+(int(weight)-10)*9999/990), From: from, Why: why, Instead: true},
	}, nil
}

func device(d specs.LinuxBlockIODevice) string { return fmt.Sprintf("%d:%d", d.Major, d.Minor) }

// rate prints a limit a second; version 1 took 0 for none.
func rate(n uint64) string {
	if n == 0 {
		return "max"
	}
	return strconv.FormatUint(n, 10)
}
