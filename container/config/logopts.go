package config

// The log of a detached container is two files of its own format (package logs). --log-driver
// takes docker's drivers that `logs` can read, and none; --log-opt their options.

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/hint"
)

// LogNone is the log driver that keeps no log.
const LogNone = "none"

var logDrivers = [...]string{"json-file", "local", "k8s-file", LogNone}

const logHint = "use max-size=10m, max-file=3, labels=NAME[,…] or env=NAME[,…]"

// setLog reads --log-driver and --log-opt. env is the environment of the process.
func (s *Settings) setLog(env environment) error {
	o := &s.Options
	if o.LogDriver != "" && !slices.Contains(logDrivers[:], o.LogDriver) {
		return hint.New(fmt.Errorf("--log-driver %q: not supported", o.LogDriver),
			"use json-file, local or none, and pass the log on with: minictr logs -f CONTAINER | …")
	}
	size, files := int64(logs.Maximum), int64(2)
	for _, opt := range o.LogOpts {
		name, value, _ := strings.Cut(opt, "=")
		var err error
		switch name {
		case "max-size":
			size, err = parseLogSize(value)
		case "max-file":
			if files, err = strconv.ParseInt(value, 10, 31); err != nil || files < 1 {
				err = errors.New("not a number of files")
			}
		case "labels":
			s.addLogDetails(value, func(name string) (string, bool) { v, ok := s.Labels[name]; return v, ok })
		case "env":
			s.addLogDetails(value, env.get)
		case "compress": // only of docker's own files
			_, err = parseBool(value)
		case "mode":
			err = oneOf(value, "blocking")
		default:
			err = hint.New(errors.New("unknown"), logHint)
		}
		if err != nil {
			return fmt.Errorf("--log-opt %q: %w", opt, err)
		}
	}
	// two files together hold what max-file files of max-size would
	s.LogMaximum = size
	if size <= math.MaxInt64/files {
		s.LogMaximum = max(1, size*files/2)
	}
	return nil
}

// parseLogSize reads a size in bytes; -1 means no limit, as in docker.
func parseLogSize(word string) (int64, error) {
	if word == "-1" {
		return math.MaxInt64, nil
	}
	n, err := units.RAMInBytes(word)
	if err != nil || n <= 0 {
		return 0, errors.New("not a size")
	}
	return n, nil
}

// addLogDetails adds those of names, which commas separate, that have a value.
func (s *Settings) addLogDetails(names string, value func(name string) (string, bool)) {
	for name := range strings.SplitSeq(names, ",") {
		if v, ok := value(name); ok {
			if s.LogDetails == nil {
				s.LogDetails = map[string]string{}
			}
			s.LogDetails[name] = v
		}
	}
}
