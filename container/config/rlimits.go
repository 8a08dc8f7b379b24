package config

// A resource limit of getrlimit(2) belongs to a process, which passes a copy to its
// children; a limit of a cgroup holds for all processes of the container together.

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// setRlimits reads --ulimit, in the kernel's units (getrlimit(2)); -1 means no limit. The
// last one of a resource counts.
func (b *builder) setRlimits() error {
	for _, word := range b.o.Ulimits {
		u, err := parseUlimit(word)
		if err != nil {
			return hint.New(fmt.Errorf("--ulimit %q: %w", word, err),
				"write NAME=SOFT[:HARD], as in nofile=1024:4096; -1 is unlimited")
		}
		same := func(r specs.POSIXRlimit) bool { return r.Type == u.Type }
		b.spec.Process.Rlimits = append(slices.DeleteFunc(b.spec.Process.Rlimits, same), u)
	}
	return nil
}

func parseUlimit(word string) (specs.POSIXRlimit, error) {
	if strings.ContainsFunc(word, unicode.IsControl) {
		return specs.POSIXRlimit{}, errors.New("contains a control byte")
	}
	u, err := units.ParseUlimit(word)
	if number := new(strconv.NumError); errors.As(err, &number) {
		err = fmt.Errorf("%q: not a number", number.Num)
	}
	if err != nil {
		return specs.POSIXRlimit{}, err
	}
	if u.Soft < -1 || u.Hard < -1 {
		return specs.POSIXRlimit{}, errors.New("negative")
	}
	return specs.POSIXRlimit{Type: "RLIMIT_" + strings.ToUpper(u.Name), Soft: uint64(u.Soft), Hard: uint64(u.Hard)}, nil
}

// setOOMScore sets by how much more, or less, likely the OOM killer chooses the process
// (proc_pid_oom_score_adj(5)).
func (b *builder) setOOMScore() error {
	if n := b.o.OOMScore; n != nil && (*n < -1000 || *n > 1000) {
		return fmt.Errorf("--oom-score-adj %d: not between -1000 and 1000", *n)
	}
	b.spec.Process.OOMScoreAdj = b.o.OOMScore
	return nil
}
