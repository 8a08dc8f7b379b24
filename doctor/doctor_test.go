package doctor

import (
	"os"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// An older kernel is named with what it lacks.
func TestOlderKernels(t *testing.T) {
	const layers, userns = "images of more than 27 layers need Linux 6.7", "--userns needs Linux 6.15"
	for release, want := range map[string]struct {
		status  Status
		without string
	}{
		"5.10.0-28-amd64": {Error, "minictr needs Linux 5.14; " + layers + "; " + userns},
		"6.1.0-18-amd64":  {Warning, layers + "; " + userns},
		"6.12.3":          {Warning, userns},
		"6.15-rc3":        {OK, ""},
		"7.0.1":           {OK, ""},
		"generic":         {Warning, "its version is unknown"},
	} {
		if f := kernelFinding(release, "amd64"); f.Status != want.status || f.Without != want.without {
			t.Errorf("Linux %s: %+v", release, f)
		}
	}
}

// A controller of version 1 is in /proc/self/cgroup, where io is blkio.
func TestControllersInVersion1(t *testing.T) {
	const text = "9:cpu,cpuacct:/\n4:blkio:/x\n0::/init.scope\n"
	for controller, want := range map[string]bool{"cpu": true, "io": true, "memory": false, "cpuset": false} {
		if got := inVersion1(text, controller); got != want {
			t.Errorf("%s: %v", controller, got)
		}
	}
}

// A directory of a filesystem in use has the types of its entries.
func TestEntryType(t *testing.T) {
	dir := t.TempDir()
	testkit.Check(t, os.Mkdir(dir+"/directory", 0o700))
	testkit.Check(t, os.WriteFile(dir+"/dir", nil, 0o600))
	for name, want := range map[string]uint8{"directory": 4, "dir": 8, "none": 0} { // DT_DIR, DT_REG, DT_UNKNOWN
		got, err := entryType(dir, name)
		testkit.Check(t, err)
		if got != want {
			t.Errorf("%s has type %d, want %d", name, got, want)
		}
	}
}
