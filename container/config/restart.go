package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
)

// RestartPolicy is when the monitor restarts a container that has exited. A container
// that a command has stopped is not restarted.
type RestartPolicy struct {
	Policy string
	Max    int // of on-failure: maximum number of restarts, 0 for no limit
}

// The values of RestartPolicy.Policy, as in docker.
const (
	RestartNo            = "no"
	RestartOnFailure     = "on-failure"
	RestartAlways        = "always"
	RestartUnlessStopped = "unless-stopped"
)

// ParseRestart parses POLICY or on-failure:MAX; an empty word is RestartNo.
func ParseRestart(word string) (r RestartPolicy, err error) {
	policy, number, counted := strings.Cut(word, ":")
	switch policy {
	case "":
		policy = RestartNo
	case RestartNo, RestartAlways, RestartUnlessStopped, RestartOnFailure:
	default:
		return r, hint.New(fmt.Errorf("--restart %q: no such policy", word),
			"use no, on-failure[:MAX], always or unless-stopped")
	}
	r.Policy = policy
	if counted {
		n, err := strconv.ParseUint(number, 10, 31)
		if err != nil || policy != RestartOnFailure {
			return r, hint.New(fmt.Errorf("--restart %q: only on-failure takes a maximum", word),
				"write as in on-failure:5")
		}
		r.Max = int(n)
	}
	return r, nil
}

// String returns the policy as ParseRestart reads it.
func (r RestartPolicy) String() string {
	if r.Max > 0 {
		return r.Policy + ":" + strconv.Itoa(r.Max)
	}
	return r.Policy
}
