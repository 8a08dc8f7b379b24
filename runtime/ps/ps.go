// Package ps lists processes of a cgroup in the format of ps(1). It runs the host's
// ps; nothing of a container is run.
//
// PIDs are used again: the PID of a process that has ended may be another process's
// when ps reads it. So the cgroup is read before and after, and only processes that
// are in it both times are listed.
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

// Full is the option for a full list: UID PID PPID C STIME TTY TIME CMD.
const Full = "-ef"

// Lines returns the output of ps with these options, Full if there are none: the
// heading, and the lines of processes that list returns before and after. Control
// characters are replaced. The options must print a column PID.
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

// run runs ps for these processes alone, which is faster if there are many others, or
// for all if it does not know the option -q.
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
		return "", hint.New(err, "apt-get install procps, dnf install procps-ng or apk add procps")
	}
	if err != nil {
		return "", fmt.Errorf("ps %s: %w: %s", strings.Join(options, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// choose returns the heading of a table, and the lines whose PID is wanted.
func choose(table string, wanted func(pid int) bool) (lines []string, err error) {
	column := -1
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if column < 0 {
			if column = slices.Index(fields, "PID"); column < 0 {
				return nil, hint.New(errors.New("no column PID in the output"), "add the column: -o pid,comm")
			}
		} else if column >= len(fields) {
			continue
		} else if pid, err := strconv.Atoi(fields[column]); err != nil {
			return nil, hint.New(fmt.Errorf("%q in column PID", fields[column]),
				"put it before columns of several words: -o pid,lstart")
		} else if !wanted(pid) {
			continue
		}
		lines = append(lines, printable.String(strings.TrimSuffix(line, "\n")))
	}
	return lines, nil
}
