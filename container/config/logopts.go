package config

import (
	"fmt"
	"strings"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/hint"
)

// parseLogOpts reads --log-opt and returns the maximum length of a log file in bytes.
func parseLogOpts(opts []string) (int64, error) {
	maximum := int64(logs.Maximum)
	for _, opt := range opts {
		name, value, _ := strings.Cut(opt, "=")
		if name != "max-size" {
			return 0, hint.New(fmt.Errorf("--log-opt %q: unknown", opt), "write max-size=SIZE, as in max-size=10m")
		}
		n, err := units.RAMInBytes(value)
		if err != nil || n <= 0 {
			return 0, fmt.Errorf("--log-opt %q: not a size", opt)
		}
		maximum = n
	}
	return maximum, nil
}
