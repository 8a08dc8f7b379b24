package config

import (
	"fmt"
	"testing"
	"time"

	"github.com/minictr/minictr/images"
)

// What the image says and what is typed, one by one; then docker's defaults.
func TestHealthcheck(t *testing.T) {
	check := func(test ...string) *images.Healthcheck { return &images.Healthcheck{Test: test} }
	times := &images.Healthcheck{Test: []string{"CMD", "ok"}, Interval: time.Second, Timeout: 2 * time.Second,
		StartPeriod: 3 * time.Second, StartInterval: 4 * time.Second, Retries: 5}
	for name, test := range map[string]struct {
		typed HealthOptions
		image *images.Healthcheck
		shell []string
		want  string
	}{
		"nothing": {want: "none"},
		"typed": {typed: HealthOptions{HealthCmd: "test -e /ok"},
			want: `["/bin/sh" "-c" "test -e /ok"] 30s 30s 0s 5s 3`},
		"image": {image: check("CMD", "ok", "-v"), want: `["ok" "-v"] 30s 30s 0s 5s 3`},
		"image's shell": {image: check("CMD-SHELL", "ok"), shell: []string{"/bin/ash", "-ec"},
			want: `["/bin/ash" "-ec" "ok"] 30s 30s 0s 5s 3`},
		"image's times": {image: times, want: `["ok"] 1s 2s 3s 4s 5`},
		"times typed": {typed: HealthOptions{HealthInterval: "1m", HealthRetries: 9}, image: times,
			want: `["ok"] 1m0s 2s 3s 4s 9`},
		"all typed": {typed: HealthOptions{HealthCmd: "x", HealthInterval: "1m", HealthTimeout: "2m",
			HealthStartPeriod: "3m", HealthStartInterval: "4m", HealthRetries: 1}, image: times,
			want: `["/bin/sh" "-c" "x"] 1m0s 2m0s 3m0s 4m0s 1`},
		"only times":    {typed: HealthOptions{HealthInterval: "1m"}, want: "none"},
		"image's NONE":  {image: check("NONE"), want: "none"},
		"image's empty": {image: check(""), want: "none"},
		"left out":      {typed: HealthOptions{NoHealthcheck: true}, image: times, want: "none"},
		"left out, bad": {typed: HealthOptions{NoHealthcheck: true}, image: check("SCRIPT"), want: "none"},
		"empty test":    {image: &images.Healthcheck{Interval: time.Second}, want: "none"},
		"both": {typed: HealthOptions{NoHealthcheck: true, HealthCmd: "x"},
			want: "--no-healthcheck and --health-… exclude each other"},
		"both, a time": {typed: HealthOptions{NoHealthcheck: true, HealthTimeout: "1s"},
			want: "--no-healthcheck and --health-… exclude each other"},
		"too short": {typed: HealthOptions{HealthInterval: "1us"},
			want: `--health-interval "1us": not a duration of 1ms or more`},
		"below 0": {typed: HealthOptions{HealthTimeout: "-1s"},
			want: `--health-timeout "-1s": not a duration of 1ms or more`},
		"no unit": {typed: HealthOptions{HealthStartPeriod: "5"},
			want: `--health-start-period "5": not a duration of 1ms or more`},
		"retries": {typed: HealthOptions{HealthRetries: -1}, want: "--health-retries -1: below 0"},
		"image: kind": {image: check("SCRIPT", "x"),
			want: `image health check: "SCRIPT": not NONE, CMD or CMD-SHELL`},
		"image: no words": {image: check("CMD"), want: "image health check: CMD: no command"},
		"image: NUL": {image: check("CMD", "a\x00b"),
			want: `image health check: argument "a\x00b": contains a NUL byte`},
		"image: time": {image: &images.Healthcheck{Test: []string{"CMD", "x"}, Interval: -1},
			want: "image health check: interval: -1ns: shorter than 1ms"},
		"image: retries": {image: &images.Healthcheck{Test: []string{"CMD", "x"}, Retries: -1},
			want: "image health check: retries: -1: below 0"},
	} {
		t.Run(name, func(t *testing.T) {
			image := &images.Image{Docker: images.DockerConfig{Healthcheck: test.image, Shell: test.shell}}
			h, err := parseHealthcheck(&Options{HealthOptions: test.typed}, image)
			got := "none"
			if err != nil {
				got = err.Error()
			} else if h != nil {
				got = fmt.Sprintf("%q %v %v %v %v %d", h.Args, time.Duration(h.Interval), time.Duration(h.Timeout),
					time.Duration(h.StartPeriod), time.Duration(h.StartInterval), h.Retries)
			}
			if got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
}
