// Package ps shows processes as this machine's ps(1) does, and those of one
// cgroup alone. Nothing is run that comes from a container.
//
// ps knows processes by their numbers, and numbers are used again: one that has
// ended may be another's when ps looks. So the cgroup is asked before and after,
// and only who was in it both times is shown.
package ps

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/printable"
)

// Full is how a full list is asked for: UID PID PPID C STIME TTY TIME CMD.
const Full = "-ef"

// Lines returns the heading of what ps prints with these options, Full if there
// are none, and the lines about processes that are in list whenever it is called.
// What could steer a terminal is replaced.
func Lines(list func() ([]int, error), options ...string) ([]string, error) {
	if len(options) == 0 {
		options = []string{Full}
	}
	before, err := list()
	if err != nil {
		return nil, err
	}
	out, err := run(options, before)
	if err != nil {
		return nil, err
	}
	after, err := list()
	if err != nil {
		return nil, err
	}
	lines, err := choose(out, func(pid int) bool { return slices.Contains(before, pid) && slices.Contains(after, pid) })
	if err != nil {
		return nil, fmt.Errorf("ps %s: %w", strings.Join(options, " "), err)
	}
	return lines, nil
}

// run tells ps which processes to look at, if it understands (-q), for that is
// quicker where there are many others.
func run(options []string, pids []int) (string, error) {
	if len(pids) > 0 {
		var numbers []string
		for _, pid := range pids {
			numbers = append(numbers, strconv.Itoa(pid))
		}
		out, err := exec.Command("ps", slices.Concat(options, []string{"-q", strings.Join(numbers, ",")})...).Output()
		if err == nil {
			return string(out), nil
		}
	}
	var stderr strings.Builder
	ps := exec.Command("ps", options...)
	ps.Stderr = &stderr
	out, err := ps.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", hint.New(err, "install it: apt-get install procps, dnf install procps-ng or apk add procps")
	}
	if err != nil {
		return "", fmt.Errorf("ps %s: %w: %s", strings.Join(options, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// choose takes the heading of a table, and the lines whose PID is wanted.
func choose(table string, wanted func(pid int) bool) (lines []string, err error) {
	column := -1
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if column < 0 {
			if column = slices.Index(fields, "PID"); column < 0 {
				return nil, hint.New(errors.New("no column PID in what it prints"), "ask for it, too, as in -o pid,comm")
			}
		} else if column >= len(fields) {
			continue
		} else if pid, err := strconv.Atoi(fields[column]); err != nil {
			return nil, hint.New(fmt.Errorf("%q in column PID", fields[column]), "ask for it before columns of several words, as in -o pid,lstart")
		} else if !wanted(pid) {
			continue
		}
		lines = append(lines, printable.String(strings.TrimSuffix(line, "\n")))
	}
	return lines, nil
}
