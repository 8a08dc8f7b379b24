package cgroup

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Huge pages, limited by size, and the handles of RDMA devices.

// hugetlb limits huge pages when they are used and, since Linux 5.7, when they are
// reserved: above the second limit mmap(2) fails, above the first the process gets
// SIGBUS.
func hugetlb(r *specs.LinuxResources) (files []File, err error) {
	for i, l := range r.HugepageLimits {
		from := fmt.Sprintf("hugepageLimits[%d]", i)
		if !isPageSize(l.Pagesize) {
			return nil, fmt.Errorf("%s.pageSize: %q: want a size like 2MB", from, l.Pagesize)
		}
		limit := strconv.FormatUint(l.Limit, 10)
		name, why := "hugetlb."+l.Pagesize, "huge pages of this size, in bytes"
		files = append(files,
			File{Name: name + ".max", Value: limit, From: from, Why: why},
			File{Name: name + ".rsvd.max", Value: limit, From: from, Why: "reserved " + why, Optional: true})
	}
	return files, nil
}

// isPageSize reports whether s is digits and KB, MB or GB.
func isPageSize(s string) bool {
	digits := strings.TrimRight(s, "KMGB")
	unit := s[len(digits):]
	_, err := strconv.ParseUint(digits, 10, 64)
	return err == nil && (unit == "KB" || unit == "MB" || unit == "GB")
}

func rdma(r *specs.LinuxResources) (files []File, err error) {
	for _, device := range slices.Sorted(maps.Keys(r.Rdma)) {
		l := r.Rdma[device]
		line := device
		if l.HcaHandles != nil {
			line += fmt.Sprintf(" hca_handle=%d", *l.HcaHandles)
		}
		if l.HcaObjects != nil {
			line += fmt.Sprintf(" hca_object=%d", *l.HcaObjects)
		}
		if line == device || strings.ContainsAny(device, " \n") {
			return nil, fmt.Errorf("rdma: %q: want hcaHandles or hcaObjects of one device", device)
		}
		files = append(files, File{Name: "rdma.max", Value: line, From: "rdma: " + device,
			Why: "handles and objects of this RDMA device"})
	}
	return files, nil
}
