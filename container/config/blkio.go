package config

// A weight divides the bandwidth of a block device among the cgroups that use it at the
// same time. A rate limit always holds, for one device and one direction. A flag names a
// device by its path, the config by its major and minor number. A weight of 0 is not set.

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const (
	blkioWeightMin = 10 // the scale of cgroup v1, which the config uses
	blkioWeightMax = 1000
)

// setBlkio sets the weights and the rate limits of block devices.
func (l *Limits) setBlkio(r *specs.LinuxResources, _ Host) error {
	blkio := &specs.LinuxBlockIO{}
	// weights
	if l.BlkioWeight != nil && *l.BlkioWeight != 0 {
		w, err := checkWeight(*l.BlkioWeight)
		if err != nil {
			return fmt.Errorf("--blkio-weight %d: %w", *l.BlkioWeight, err)
		}
		blkio.Weight = &w
		r.BlockIO = blkio
	}
	for _, word := range l.BlkioWeightDevices {
		disk, weight, err := parseDeviceLimit(word, parseCount)
		if err == nil && weight == 0 {
			continue
		}
		var w uint16
		if err == nil {
			w, err = checkWeight(weight)
		}
		if err != nil {
			return hint.New(fmt.Errorf("--blkio-weight-device %q: %w", word, err), "write as in /dev/sda:500")
		}
		device := specs.LinuxWeightDevice{Weight: &w}
		device.LinuxBlockIODevice = disk
		blkio.WeightDevice = append(blkio.WeightDevice, device)
		r.BlockIO = blkio
	}
	// rate limits
	for _, f := range []struct {
		flag, sample string
		words        []string
		parse        func(string) (uint64, error)
		to           *[]specs.LinuxThrottleDevice
	}{
		{"--device-read-bps", "10m", l.DeviceReadBps, parseBytes, &blkio.ThrottleReadBpsDevice},
		{"--device-write-bps", "10m", l.DeviceWriteBps, parseBytes, &blkio.ThrottleWriteBpsDevice},
		{"--device-read-iops", "100", l.DeviceReadIOps, parseCount, &blkio.ThrottleReadIOPSDevice},
		{"--device-write-iops", "100", l.DeviceWriteIOps, parseCount, &blkio.ThrottleWriteIOPSDevice},
	} {
		for _, word := range f.words {
			disk, rate, err := parseDeviceLimit(word, f.parse)
			if err != nil {
				return hint.New(fmt.Errorf("%s %q: %w", f.flag, word, err),
					"write as in /dev/sda:"+f.sample+"; lsblk lists the disks")
			}
			device := specs.LinuxThrottleDevice{Rate: rate}
			device.LinuxBlockIODevice = disk
			*f.to = append(*f.to, device)
			r.BlockIO = blkio
		}
	}
	return nil
}

// parseDeviceLimit reads DEVICE:NUMBER. The number follows the last colon: names below
// /dev/disk/by-path contain colons.
func parseDeviceLimit(word string, parse func(string) (uint64, error)) (
	disk specs.LinuxBlockIODevice, n uint64, err error,
) {
	at := strings.LastIndexByte(word, ':')
	if at < 0 {
		return disk, 0, errors.New("not DEVICE:NUMBER")
	}
	if n, err = parse(word[at+1:]); err != nil {
		return disk, 0, errors.New("not a number after the colon")
	}
	var st unix.Stat_t
	if err := unix.Stat(word[:at], &st); err != nil {
		return disk, 0, fmt.Errorf("stat: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return disk, 0, errors.New("not a block device")
	}
	rdev := uint64(st.Rdev)
	disk.Major, disk.Minor = int64(unix.Major(rdev)), int64(unix.Minor(rdev))
	return disk, n, nil
}

// parseBytes reads a number of bytes with docker's units; 0 means no limit.
func parseBytes(word string) (uint64, error) {
	n, err := units.RAMInBytes(word)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return uint64(n), err
}

func parseCount(word string) (uint64, error) { return strconv.ParseUint(word, 10, 63) }

func checkWeight(n uint64) (uint16, error) {
	if n < blkioWeightMin || n > blkioWeightMax {
		return 0, fmt.Errorf("not between %d and %d", blkioWeightMin, blkioWeightMax)
	}
	return uint16(n), nil
}
