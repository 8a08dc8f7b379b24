package container

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/hint"
)

// Restart says when a container that has ended in the background begins again by
// itself. What somebody has stopped stays so.
type Restart struct {
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

func parseRestart(word string) (r Restart, err error) {
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

func (r Restart) String() string {
	if r.Max > 0 {
		return r.Policy + ":" + strconv.Itoa(r.Max)
	}
	return r.Policy
}

// Docker's times: the first pause, the longest one, and how long a container has
// to have lived for the next pause to be the first again.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = time.Minute
	wellAfter    = 10 * time.Second
)

// again tells whether a container that has ended so is to begin again, and after
// which pause. The pause doubles each time it ends soon.
func (r Restart) again(end *End) (pause time.Duration, again bool) {
	switch {
	case end.Asked != 0 || r.Policy == RestartNo:
		return 0, false
	case r.Policy == RestartOnFailure && (end.ExitCode == 0 || r.Max > 0 && end.Restarts >= r.Max):
		return 0, false
	}
	pause = firstPause
	for range end.Quick - 1 {
		pause = min(2*pause, longestPause)
	}
	return pause, true
}

// countQuick counts the lives in a row that have ended soon.
func (e *End) countQuick() {
	if e.Lasted() >= wellAfter {
		e.Quick = 0
	}
	e.Quick++
}
