package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
)

// RestartPolicy says when a container that has ended in the background begins again by
// itself. What somebody has stopped stays so.
type RestartPolicy struct {
	Policy string
	Max    int // of on-failure: how often at most, 0 for no limit
}

// The policies, in docker's words.
const (
	RestartNo            = "no"
	RestartOnFailure     = "on-failure"
	RestartAlways        = "always"
	RestartUnlessStopped = "unless-stopped"
)

func ParseRestart(word string) (r RestartPolicy, err error) {
	policy, number, counted := strings.Cut(word, ":")
	switch policy {
	case "":
		policy = RestartNo
	case RestartNo, RestartAlways, RestartUnlessStopped, RestartOnFailure:
	default:
		return r, hint.New(fmt.Errorf("--restart %q: no such policy", word), "it is no, on-failure[:N], always or unless-stopped")
	}
	r.Policy = policy
	if counted {
		n, err := strconv.ParseUint(number, 10, 31)
		if err != nil || policy != RestartOnFailure {
			return r, hint.New(fmt.Errorf("--restart %q: a number of times goes with on-failure alone", word), "as in on-failure:5")
		}
		r.Max = int(n)
	}
	return r, nil
}

func (r RestartPolicy) String() string {
	if r.Max > 0 {
		return r.Policy + ":" + strconv.Itoa(r.Max)
	}
	return r.Policy
}

// Docker's times: the first pause, the longest one, and how long a container has
// to have lived for the next pause to be the first again.
const ()
