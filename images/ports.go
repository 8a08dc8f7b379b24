package images

import (
	"slices"
	"strconv"
	"strings"
)

// Ports are those of EXPOSE in a Dockerfile and of --expose: PORT[-PORT][/PROTOCOL].
type Ports struct {
	First, Last uint64
	Protocol    string // tcp, udp or sctp
}

// ParsePorts reports whether a word names ports.
func ParsePorts(word string) (p Ports, ok bool) {
	numbers, protocol, found := strings.Cut(word, "/")
	if !found {
		protocol = "tcp"
	}
	from, to, isRange := strings.Cut(numbers, "-")
	if !isRange {
		to = from
	}
	first, firstErr := strconv.ParseUint(from, 10, 16)
	last, lastErr := strconv.ParseUint(to, 10, 16)
	ok = firstErr == nil && lastErr == nil && first <= last && slices.Contains([]string{"tcp", "udp", "sctp"}, protocol)
	return Ports{first, last, protocol}, ok
}

// AddTo adds each port to the exposed ports of an image config, which may be nil, and
// returns them.
func (p Ports) AddTo(exposed map[string]struct{}) map[string]struct{} {
	if exposed == nil {
		exposed = make(map[string]struct{})
	}
	for n := p.First; n <= p.Last; n++ {
		exposed[strconv.FormatUint(n, 10)+"/"+p.Protocol] = struct{}{}
	}
	return exposed
}
