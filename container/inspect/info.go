package inspect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// Info describes a store and this machine, with docker's names.
type Info struct {
	Containers, ContainersRunning, ContainersPaused, ContainersStopped int
	Images                                                             int

	Driver        string // of root filesystems
	DriverStatus  [][2]string
	LoggingDriver string
	CgroupDriver  string
	CgroupVersion string

	MemoryLimit, SwapLimit, CpuCfsPeriod, CpuCfsQuota, CPUShares, CPUSet, PidsLimit bool // whether limits are possible

	KernelVersion, OperatingSystem, OSVersion, OSType, Architecture string
	NCPU                                                            int
	MemTotal                                                        int64 // bytes
	Name                                                            string
	SystemTime                                                      string
	ServerVersion                                                   string
	DockerRootDir                                                   string // the store
	Plugins                                                         struct{ Volume, Network, Log []string }
	SecurityOptions                                                 []string
	Warnings                                                        []string // what this machine cannot do
}

// ReadInfo returns the description of the store at root. A container or image that cannot be
// read is an error beside it.
func ReadInfo(root, version string) (*Info, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	i := &Info{
		Driver: "overlay", LoggingDriver: "minictr", CgroupDriver: "cgroupfs", CgroupVersion: "2",
		OSType: goruntime.GOOS, NCPU: goruntime.NumCPU(), SystemTime: time.Now().Format(time.RFC3339Nano),
		ServerVersion: version, DockerRootDir: root, SecurityOptions: []string{
			"name=seccomp,profile=builtin", "name=no-new-privileges", "name=cgroupns",
		}, Warnings: []string{},
	}
	i.Plugins.Volume, i.Plugins.Log = []string{"local"}, []string{"minictr"}
	i.Plugins.Network = []string{"host", "none"}
	i.setSystem()
	i.setControllers()
	return i, errors.Join(i.countContainers(), i.countImages())
}

func (i *Info) countContainers() error {
	list, err := List(i.DockerRootDir, Query{All: true})
	for _, s := range list {
		i.Containers++
		switch s.State.Status {
		case container.Running, container.Restarting:
			i.ContainersRunning++
		case container.Paused:
			i.ContainersPaused++
		default:
			i.ContainersStopped++
		}
	}
	return err
}

// countImages counts each image once, whatever names it has.
func (i *Info) countImages() error {
	store, err := images.Open(i.DockerRootDir)
	if err != nil {
		return err
	}
	list, err := store.List()
	seen := make(map[string]bool)
	for _, image := range list {
		seen[image.ID.String()] = true
	}
	i.Images = len(seen)
	return err
}

// setSystem describes kernel and distribution. What cannot be read stays empty.
func (i *Info) setSystem() {
	var name unix.Utsname
	if err := unix.Uname(&name); err == nil {
		i.KernelVersion = unix.ByteSliceToString(name.Release[:])
		i.Architecture, i.Name = unix.ByteSliceToString(name.Machine[:]), unix.ByteSliceToString(name.Nodename[:])
	}
	var memory unix.Sysinfo_t
	if err := unix.Sysinfo(&memory); err == nil {
		i.MemTotal = int64(memory.Totalram) * int64(memory.Unit)
	}
	release := osRelease()
	i.OperatingSystem, i.OSVersion = release["PRETTY_NAME"], release["VERSION_ID"]
	var fs unix.Statfs_t
	if err := unix.Statfs(i.DockerRootDir, &fs); err == nil {
		i.DriverStatus = [][2]string{{"Backing Filesystem", filesystemName(int64(fs.Type))}}
	}
}

// osRelease returns the fields of os-release(5).
func osRelease() map[string]string {
	fields := make(map[string]string)
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		data, _ = os.ReadFile("/usr/lib/os-release") // "" without one
	}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		fields[name] = strings.Trim(value, `"'`)
	}
	return fields
}

// filesystemName returns docker's name of a filesystem type (statfs(2)), or its number.
func filesystemName(number int64) string {
	names := map[int64]string{
		unix.EXT4_SUPER_MAGIC: "extfs", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
		unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlayfs", 0x2fc12fc1: "zfs",
	}
	if name, ok := names[number]; ok {
		return name
	}
	return fmt.Sprintf("%#x", number)
}

// setControllers finds out which limits are possible: those of controllers that cgroup2 has.
func (i *Info) setControllers() {
	mount, err := cgroup.Mount()
	if err != nil {
		i.Warnings = append(i.Warnings, "WARNING: No cgroup v2: "+err.Error())
	}
	controllers := cgroup.Available(mount)
	for _, limit := range []struct {
		controller string
		possible   *bool
		name       string // docker's
	}{
		{"memory", &i.MemoryLimit, "memory limit"},
		{"memory", &i.SwapLimit, "swap limit"},
		{"cpu", &i.CpuCfsPeriod, "cpu cfs period"},
		{"cpu", &i.CpuCfsQuota, "cpu cfs quota"},
		{"cpu", &i.CPUShares, "cpu shares"},
		{"cpuset", &i.CPUSet, "cpuset"},
		{"pids", &i.PidsLimit, "pids limit"},
		{"io", nil, "io.weight"},
		{"io", nil, "io.max"},
	} {
		has := slices.Contains(controllers, limit.controller)
		if limit.possible != nil {
			*limit.possible = has
		}
		if !has {
			i.Warnings = append(i.Warnings, fmt.Sprintf("WARNING: No %s support", limit.name))
		}
	}
	if missing := inVersion1(controllers); missing != "" {
		i.Warnings = append(i.Warnings, "WARNING: cgroup v1 has the controllers "+missing+
			": boot with systemd.unified_cgroup_hierarchy=1")
	}
}

// inVersion1 lists the controllers of limits that are in hierarchies of cgroup v1: a line of
// /proc/self/cgroup (cgroups(7)) names those of one hierarchy.
func inVersion1(version2 []string) string {
	data, _ := os.ReadFile("/proc/self/cgroup")
	ofLimits := []string{"cpu", "cpuset", "io", "memory", "pids"}
	var found []string
	for line := range strings.Lines(string(data)) {
		fields := strings.SplitN(line, ":", 3)
		if len(fields) < 3 {
			continue
		}
		for _, name := range strings.Split(fields[1], ",") {
			name = strings.Replace(name, "blkio", "io", 1)
			if slices.Contains(ofLimits, name) && !slices.Contains(version2, name) {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	return strings.Join(found, ", ")
}
