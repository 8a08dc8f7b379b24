package config

import (
	"fmt"
	"maps"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
)

// ExposedPorts returns the ports of the image and of --expose, each as PORT/PROTOCOL. They
// are a note of where the program listens, for those who inspect the container.
func (o *Options) ExposedPorts(image map[string]struct{}) (map[string]struct{}, error) {
	ports := maps.Clone(image)
	for _, word := range o.Expose {
		p, ok := images.ParsePorts(word)
		if !ok || p.First == 0 {
			return nil, hint.New(fmt.Errorf("--expose %q: not a port", word), "write as in 80, 53/udp or 8000-8010/tcp")
		}
		ports = p.AddTo(ports)
	}
	return ports, nil
}
