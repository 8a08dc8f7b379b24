package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime/plan/call"
)

// Caps are the five capability sets of a process, by name (capabilities(7)).
type Caps struct {
	Inheritable []string `json:"inheritable"`
	Permitted   []string `json:"permitted"`
	Effective   []string `json:"effective"`
	Bounding    []string `json:"bounding"`
	Ambient     []string `json:"ambient"`
}

// Seccomp is the mode of seccomp(2), and the number of filters.
type Seccomp struct {
	Mode    string `json:"mode"` // disabled, strict, filter
	Filters int    `json:"filters"`
}

// readStatus reads /proc/PID/status (proc_pid_status(5)).
func (v *View) readStatus(dir *os.Root) error {
	text, err := dir.ReadFile("status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":\t")
		if err := v.setStatus(name, value); err != nil {
			return fmt.Errorf("status: %s %q: %w", name, value, err)
		}
	}
	return nil
}

func (v *View) setStatus(name, value string) (err error) {
	switch name {
	case "Name":
		v.Comm = value
	case "NSpid":
		v.Pids, err = numbers[int](value)
	case "Uid":
		err = setIDs(&v.UIDs, value)
	case "Gid":
		err = setIDs(&v.GIDs, value)
	case "Groups":
		v.Groups, err = numbers[uint32](value)
	case "CapInh":
		v.Caps.Inheritable, err = capabilities(value)
	case "CapPrm":
		v.Caps.Permitted, err = capabilities(value)
	case "CapEff":
		v.Caps.Effective, err = capabilities(value)
	case "CapBnd":
		v.Caps.Bounding, err = capabilities(value)
	case "CapAmb":
		v.Caps.Ambient, err = capabilities(value)
	case "NoNewPrivs":
		v.NoNewPrivs = value == "1"
	case "Seccomp":
		v.Seccomp.Mode = map[string]string{"0": "disabled", "1": "strict", "2": "filter"}[value]
	case "Seccomp_filters":
		v.Seccomp.Filters, err = strconv.Atoi(value)
	}
	return err
}

func setIDs(ids *[4]uint32, value string) error {
	list, err := numbers[uint32](value)
	copy(ids[:], list)
	return err
}

// numbers parses decimal numbers between blanks.
func numbers[T int | uint32](text string) (list []T, err error) {
	list = []T{}
	for _, field := range strings.Fields(text) {
		n, err := strconv.ParseUint(field, 10, 32)
		if err != nil {
			return nil, err
		}
		list = append(list, T(n))
	}
	return list, nil
}

// capabilities returns the names of a set of capabilities in hexadecimal digits. A
// capability of a newer kernel has its number for a name.
func capabilities(hex string) ([]string, error) {
	set, err := strconv.ParseUint(hex, 16, 64)
	names := []string{}
	for n := range 64 {
		switch {
		case set&(1<<n) == 0:
		case n < len(call.Capabilities):
			names = append(names, call.Capabilities[n])
		default:
			names = append(names, strconv.Itoa(n))
		}
	}
	return names, err
}
