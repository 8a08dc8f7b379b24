package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Update changes the limits of a cgroup with processes. It writes the same files as
// for a new one; limits that r does not mention stay. Device rules in r, if any,
// replace all former ones. If a file cannot be written, those before it are restored;
// the error is a LimitError then.
func Update(path string, r *specs.LinuxResources) error {
	if r == nil {
		return nil
	}
	r, err := withPeriod(path, r)
	if err != nil {
		return err
	}
	files, err := Files(r)
	if err != nil {
		return fmt.Errorf("resources: %w", err)
	}
	if err := checkMemory(path, r.Memory); err != nil {
		return err
	}
	has, err := get(path, "cgroup.controllers")
	if err != nil {
		return err
	}
	files = withoutUnlimited(files, strings.Fields(has))
	if err := enableControllers(path, missing(files, strings.Fields(has))); err != nil {
		return err
	}
	if err := write(path, files); err != nil {
		return err
	}
	if len(r.Devices) == 0 {
		return nil
	}
	return replaceDevices(path, r.Devices)
}

// LimitError is a limit that could not be set.
type LimitError struct {
	From string // the field below linux.resources, or the controller
	Err  error
}

func (e *LimitError) Error() string { return fmt.Sprintf("resources: %s: %v", e.From, e.Err) }
func (e *LimitError) Unwrap() error { return e.Err }

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

// enableControllers enables the controllers for the cgroup, from the top down.
func enableControllers(path string, controllers []string) error {
	if len(controllers) == 0 {
		return nil
	}
	var above []string
	for dir := filepath.Dir(path); isCgroup(dir); dir = filepath.Dir(dir) {
		above = append(above, dir)
	}
	for _, dir := range slices.Backward(above) {
		for _, c := range controllers {
			err := put(dir, "cgroup.subtree_control", "+"+c)
			if errors.Is(err, unix.EBUSY) {
				return &LimitError{c, fmt.Errorf("enable the controller: %w: %s has processes", err, dir)}
			}
			if err != nil {
				return hint.New(&LimitError{c, fmt.Errorf("enable the controller: %w", err)}, ControllerHint(c))
			}
		}
	}
	return nil
}

// ControllerHint returns the hint for a controller that cannot be enabled.
func ControllerHint(controller string) string {
	return fmt.Sprintf("this machine's cgroup v2 does not offer the controller %q: leave the limit out, "+
		"or boot with cgroup_no_v1=all", controller)
}

func isCgroup(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.subtree_control"))
	return err == nil
}

// write writes files. If one cannot be written, those before it are restored.
func write(path string, files []File) (err error) {
	var before []File
	defer func() {
		if err == nil {
			return
		}
		for _, f := range slices.Backward(before) {
			err = errors.Join(err, put(path, f.Name, f.Value+"\n"))
		}
	}()
	replace := func(f File) error {
		old, err := present(path, f)
		if err == nil {
			err = put(path, f.Name, f.Value)
		}
		if err == nil {
			before = append(before, old)
		}
		return err
	}
	missing := false
	for i, f := range files {
		if f.Instead && !missing {
			continue
		}
		if f.Name == "cpu.max" && i+1 < len(files) && files[i+1].Name == "cpu.max.burst" {
			// the kernel refuses a quota below the old burst
			if err := replace(File{Name: "cpu.max.burst", Value: "0"}); err != nil {
				return err
			}
		}
		err := replace(f)
		if missing = f.Optional && errors.Is(err, fs.ErrNotExist); missing {
			continue
		}
		if err != nil {
			return &LimitError{f.From, fmt.Errorf("%q: %w", f.Value, err)}
		}
	}
	return nil
}

// present returns f with the present value of the file or, in a file with a line for
// each device, of that line.
func present(path string, f File) (File, error) {
	text, err := get(path, f.Name)
	device, _, _ := strings.Cut(f.Value, " ")
	if !strings.Contains(device, ":") {
		text, _, _ = strings.Cut(text, "\n") // the default, in a file of weights
		return File{Name: f.Name, Value: text}, err
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, device+" ") {
			return File{Name: f.Name, Value: strings.TrimSpace(line)}, err
		}
	}
	none := " default"
	if f.Name == "io.max" {
		none = " rbps=max wbps=max riops=max wiops=max"
	}
	return File{Name: f.Name, Value: device + none}, err
}
