package config

// The image and the flags --health-… define the health check of a container. The monitor
// of a detached container runs it and counts failures (package monitor).

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
)

// Healthcheck is a command that reports whether the container is healthy.
type Healthcheck struct {
	Args          []string // exit code 0 means healthy
	Interval      Duration // from the end of one check to the next
	Timeout       Duration // after it the check has failed
	StartPeriod   Duration // from the start of the container; failures in it do not count
	StartInterval Duration // the interval within the start period
	Retries       int      // consecutive failures that make it unhealthy
}

// Duration is a time.Duration: in JSON a number of nanoseconds.
type Duration time.Duration

// The defaults are docker's.
const (
	healthInterval      = 30 * time.Second
	healthTimeout       = 30 * time.Second
	healthStartInterval = 5 * time.Second
	healthRetries       = 3
	healthTimeMin       = time.Millisecond // of all durations
)

// parseHealthcheck returns the health check of a container, nil for none: each field is
// that of the flag, of the image, or docker's default.
func parseHealthcheck(o *Options, image *images.Image) (*Healthcheck, error) {
	typed, err := o.healthcheckFlags()
	if err != nil || o.NoHealthcheck {
		return nil, err
	}
	imageCheck := images.Healthcheck{}
	if image.Docker.Healthcheck != nil {
		imageCheck = *image.Docker.Healthcheck
	}
	test := typed.Test
	if test == nil {
		test = imageCheck.Test
	}
	args, err := healthArgs(test, image.Docker.Shell)
	if err == nil && args != nil {
		err = checkImageHealth(&imageCheck)
	}
	if err != nil {
		return nil, hint.New(fmt.Errorf("image health check: %w", err), "leave it out with --no-healthcheck")
	}
	if args == nil {
		return nil, nil
	}
	// each field: the flag's, the image's, the default
	return &Healthcheck{
		Args:          args,
		Interval:      Duration(cmp.Or(typed.Interval, imageCheck.Interval, healthInterval)),
		Timeout:       Duration(cmp.Or(typed.Timeout, imageCheck.Timeout, healthTimeout)),
		StartPeriod:   Duration(cmp.Or(typed.StartPeriod, imageCheck.StartPeriod)),
		StartInterval: Duration(cmp.Or(typed.StartInterval, imageCheck.StartInterval, healthStartInterval)),
		Retries:       cmp.Or(typed.Retries, imageCheck.Retries, healthRetries),
	}, nil
}

// healthcheckFlags parses the flags; the field of a flag that was not given is zero.
func (o *HealthOptions) healthcheckFlags() (h images.Healthcheck, err error) {
	if o.HealthCmd != "" {
		h.Test = []string{"CMD-SHELL", o.HealthCmd}
	}
	for _, t := range []struct {
		flag, text string
		to         *time.Duration
	}{
		{"interval", o.HealthInterval, &h.Interval},
		{"timeout", o.HealthTimeout, &h.Timeout},
		{"start-period", o.HealthStartPeriod, &h.StartPeriod},
		{"start-interval", o.HealthStartInterval, &h.StartInterval},
	} {
		if t.text == "" {
			continue
		}
		if o.NoHealthcheck {
			return h, errNoHealthcheck
		}
		d, err := time.ParseDuration(t.text)
		if err == nil {
			err = checkHealthTime(d)
		}
		if err != nil {
			return h, hint.New(
				fmt.Errorf("--health-%s %q: not a duration of %v or more", t.flag, t.text, healthTimeMin),
				"write as in 500ms, 30s or 1m30s")
		}
		*t.to = d
	}
	h.Retries = o.HealthRetries
	if h.Retries < 0 {
		return h, fmt.Errorf("--health-retries %d: below 0", h.Retries)
	}
	if o.NoHealthcheck && (h.Test != nil || h.Retries > 0) {
		return h, errNoHealthcheck
	}
	return h, nil
}

var errNoHealthcheck = errors.New("--no-healthcheck and --health-… exclude each other")

// healthArgs returns the command line of a test, nil for none (HEALTHCHECK in the
// Dockerfile reference).
func healthArgs(test, shell []string) (args []string, err error) {
	if len(test) == 0 {
		return nil, nil
	}
	switch kind, words := test[0], test[1:]; kind {
	case "NONE", "":
		return nil, nil
	case "CMD":
		args = words
	case "CMD-SHELL":
		if len(shell) == 0 {
			shell = []string{"/bin/sh", "-c"}
		}
		args = slices.Concat(shell, words)
	default:
		return nil, fmt.Errorf("%q: not NONE, CMD or CMD-SHELL", kind)
	}
	if len(test) == 1 {
		return nil, fmt.Errorf("%s: no command", test[0])
	}
	for _, word := range args {
		if strings.ContainsRune(word, 0) {
			return nil, fmt.Errorf("argument %q: contains a NUL byte", word)
		}
	}
	return args, nil
}

// checkImageHealth checks the durations and the retries of an image's health check.
func checkImageHealth(h *images.Healthcheck) error {
	for name, d := range map[string]time.Duration{
		"interval": h.Interval, "timeout": h.Timeout, "start period": h.StartPeriod, "start interval": h.StartInterval,
	} {
		if err := checkHealthTime(d); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if h.Retries < 0 {
		return fmt.Errorf("retries: %d: below 0", h.Retries)
	}
	return nil
}

// checkHealthTime refuses a duration below the minimum; 0 means unset.
func checkHealthTime(d time.Duration) error {
	if d != 0 && d < healthTimeMin {
		return fmt.Errorf("%v: shorter than %v", d, healthTimeMin)
	}
	return nil
}
