package config

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
)

// ExposedPorts returns the ports of the image and of --expose, each as PORT/PROTOCOL. They
// are a note of where the program listens, for those who inspect the container.
func (o *Options) ExposedPorts(image map[string]struct{}) (map[string]struct{}, error) {
	ports := maps.Clone(image)
	for _, word := range o.Expose {
		numbers, protocol, found := strings.Cut(word, "/")
		if !found {
			protocol = "tcp"
		}
		first, last, isRange := strings.Cut(numbers, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseUint(first, 10, 16)
		to, lastErr := strconv.ParseUint(last, 10, 16)
		known := oneOf(protocol, "tcp", "udp", "sctp")
		if err != nil || lastErr != nil || known != nil || from == 0 || from > to {
			return nil, hint.New(fmt.Errorf("--expose %q: not a port", word), "write as in 80, 53/udp or 8000-8010/tcp")
		}
		if ports == nil {
			ports = map[string]struct{}{}
		}
		for n := from; n <= to; n++ {
			ports[strconv.FormatUint(n, 10)+"/"+protocol] = struct{}{}
		}
	}
	return ports, nil
}
