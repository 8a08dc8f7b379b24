package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/hint"
)

// Mount is a mount of the host that is of interest here.
type Mount struct {
	Path          string
	Shared, Slave bool
}

// readMounts reads /proc/self/mountinfo (proc(5)).
func readMounts() ([]Mount, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	// 36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 master:2 - ext3 /dev/root rw
	const point, tags = 4, 6
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var mounts []Mount
	for line := range strings.Lines(string(data)) {
		before, _, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if len(fields) < tags {
			continue
		}
		m := Mount{Path: unescape.Replace(fields[point])}
		for _, tag := range fields[tags:] {
			m.Shared = m.Shared || strings.HasPrefix(tag, "shared:")
			m.Slave = m.Slave || strings.HasPrefix(tag, "master:")
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

// mountOf finds the mount that a path lies on: of those on one place, the last.
func (h Host) mountOf(path string) (on Mount) {
	for _, m := range h.Mounts {
		above := m.Path == "/" || path == m.Path || isBelow(path, m.Path)
		if above && len(m.Path) >= len(on.Path) {
			on = m
		}
	}
	return on
}

// checkPropagation refuses what could have no effect. A source that is not
// there is another mistake, told by the step that opens it.
func (h Host) checkPropagation(source, propagation string) error {
	path, err := filepath.EvalSymlinks(source)
	if err != nil {
		path = source
	}
	on := h.mountOf(path)
	var wanted string
	switch propagation {
	case "shared", "rshared":
		if !on.Shared {
			wanted = "shared"
		}
	case "slave", "rslave":
		if !on.Shared && !on.Slave {
			wanted = "shared or slave"
		}
	}
	if wanted == "" {
		return nil
	}
	return hint.New(fmt.Errorf("%s: %s is on the mount %s, which is not %s", propagation, source, on.Path, wanted),
		"mount --make-shared "+on.Path)
}
