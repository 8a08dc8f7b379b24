package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/internal/printable"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Change is a change of the limits of a cgroup that has processes. What it needs to know of
// the cgroup has been read; to write it is a plan (compile.Update).
type Change struct {
	Mount, Group string                    // where cgroup2 is mounted; the cgroup's path below it
	Enable       []string                  // controllers that the cgroup does not have yet
	Files        []File                    // limits
	Devices      []specs.LinuxDeviceCgroup // rules that replace all former ones; none: no change
	Programs     []uint32                  // the device programs of the former rules, by ID
}

// NewChange returns the change that sets the limits of r. Limits that r does not mention
// stay.
func NewChange(path string, r *specs.LinuxResources) (*Change, error) {
	r, err := withPeriod(path, r)
	if err != nil {
		return nil, err
	}
	files, err := Files(r)
	if err != nil {
		return nil, fmt.Errorf("resources: %w", err)
	}
	if err := checkMemory(path, r.Memory); err != nil {
		return nil, err
	}
	mount, err := Mount()
	if err != nil {
		return nil, err
	}
	has, err := get(path, "cgroup.controllers")
	if err != nil {
		return nil, err
	}
	files = withoutUnlimited(files, strings.Fields(has))
	c := &Change{Mount: mount, Enable: missing(files, strings.Fields(has)), Files: files, Devices: r.Devices}
	if c.Group, err = filepath.Rel(mount, path); err == nil && len(c.Devices) > 0 {
		c.Programs, err = devicePrograms(path)
	}
	return c, err
}

// Reserve adds memory.low of the cgroup above: the sum of those below it.
func (c *Change) Reserve() error {
	const name = "memory.low"
	own := slices.IndexFunc(c.Files, func(f File) bool { return f.Name == name })
	if own < 0 {
		return nil
	}
	path := filepath.Join(c.Mount, c.Group)
	sum, err := Reserved(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(c.Files[own].Value, 10, 64)
	if err != nil || n > math.MaxInt64-sum {
		n = math.MaxInt64 - sum // "max"
	}
	c.Files = append(c.Files, File{Name: "../" + name, Value: number(sum + n), From: "memory.reservation",
		Why: "raise memory.low of the parent cgroup: it limits the sum of its children", Optional: true})
	return nil
}

// Present returns the change that sets the present values of the same files again. A file
// that does not exist is left out.
func (c *Change) Present() (*Change, error) {
	now := &Change{Mount: c.Mount, Group: c.Group}
	for _, f := range c.Files {
		value, err := present(filepath.Join(c.Mount, c.Group), f)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("resources: %s: %w", f.From, err)
		}
		now.Files = append(now.Files, File{Name: f.Name, Value: value + "\n", From: f.From, Why: "the former value"})
	}
	return now, nil
}

// present returns the value of the file or, in a file with a line for each device, that
// line.
func present(path string, f File) (string, error) {
	text, err := get(path, f.Name)
	device, _, _ := strings.Cut(strings.TrimSpace(f.Value), " ")
	if !strings.Contains(device, ":") {
		text, _, _ = strings.Cut(text, "\n") // the default, in a file of weights
		return text, err
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, device+" ") {
			return strings.TrimSpace(line), err
		}
	}
	if f.Name == "io.max" {
		return device + " rbps=max wbps=max riops=max wiops=max", err
	}
	return device + " default", err
}

// withPeriod adds the present quota to a period alone, which cpu.max does not take.
func withPeriod(path string, r *specs.LinuxResources) (*specs.LinuxResources, error) {
	if r.CPU == nil || isSet(r.CPU.Quota) || !isSet(r.CPU.Period) {
		return r, nil
	}
	present, err := get(path, "cpu.max")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	quota, _, _ := strings.Cut(present, " ")
	n, err := strconv.ParseInt(quota, 10, 64)
	if err != nil {
		return r, nil // "max"
	}
	all, cpu := *r, *r.CPU
	cpu.Quota, all.CPU = &n, &cpu
	return &all, nil
}

// checkMemory refuses a memory limit below the present usage if the config asks for
// that check (memory.checkBeforeUpdate): the kernel would run the OOM killer.
func checkMemory(path string, m *specs.LinuxMemory) error {
	if m == nil || m.CheckBeforeUpdate == nil || !*m.CheckBeforeUpdate || !isSet(m.Limit) || *m.Limit < 0 {
		return nil
	}
	used, err := readNumber(path, "memory.current")
	if err == nil && uint64(*m.Limit) < used {
		err = fmt.Errorf("resources: memory.limit: %d: less than the usage of %d bytes", *m.Limit, used)
	}
	return err
}

// withoutUnlimited leaves out values that mean no limit of a controller that the cgroup
// does not have.
func withoutUnlimited(files []File, has []string) []File {
	limits := WithoutDefaults(files)
	return slices.DeleteFunc(files, func(f File) bool {
		return !slices.Contains(limits, f) && len(missing([]File{f}, has)) > 0
	})
}

// missing returns the controllers of these files that the cgroup does not have.
func missing(files []File, has []string) []string {
	return slices.DeleteFunc(Controllers(files), func(c string) bool { return slices.Contains(has, c) })
}

// NoController returns the hint for a controller that cannot be enabled, in crun's words.
func NoController(name string) string {
	return fmt.Sprintf("the requested cgroup controller `%s` is not available: leave the limit out, or, "+
		"if version 1 has it, boot with cgroup_no_v1=all", printable.String(name))
}
