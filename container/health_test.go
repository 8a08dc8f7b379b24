package container

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/images"
)

// Each letter is a check: one that succeeds (+) or fails (-). Behind it stands
// what the container is from then on.
func TestHealth(t *testing.T) {
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rules := &Healthcheck{Retries: 3, StartPeriod: Span(10 * time.Second), Interval: Span(time.Minute), StartInterval: Span(time.Second)}
	for _, test := range []struct {
		checks  string
		seconds int // between two
		want    string
	}{
		{"+", 1, "healthy"},
		{"--+", 1, "starting starting healthy"},
		{"-----", 1, "starting starting starting starting starting"},
		{"----", 4, "starting starting starting starting"}, // at 4, 8, 12 and 16 s
		{"-----", 4, "starting starting starting starting unhealthy"},
		{"---", 20, "starting starting unhealthy"},
		{"+---", 1, "healthy healthy healthy unhealthy"}, // the first success ends the start period
		{"+--+--+---", 1, "healthy healthy healthy healthy healthy healthy healthy healthy healthy unhealthy"},
		{"---+", 20, "starting starting unhealthy healthy"},
		{"---++", 20, "starting starting unhealthy healthy healthy"},
	} {
		h := &Health{Status: Starting, Life: began}
		var got []string
		for i, c := range test.checks {
			check := Check{Start: began.Add(time.Duration((i+1)*test.seconds) * time.Second), ExitCode: strings.IndexRune("+-", c)}
			h.add(rules, check)
			got = append(got, h.Status)
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s every %d s: %s, want %s", test.checks, test.seconds, got, test.want)
		}
	}
}

func TestHealthKeepsTheLastChecks(t *testing.T) {
	h := &Health{Status: Starting}
	for code := range 8 {
		h.add(&Healthcheck{Retries: 3}, Check{ExitCode: code})
	}
	var codes []int
	for _, check := range h.Log {
		codes = append(codes, check.ExitCode)
	}
	if got := fmt.Sprint(codes); got != "[3 4 5 6 7]" || h.FailingStreak != 7 {
		t.Errorf("exit codes %s, streak %d", got, h.FailingStreak)
	}
}

// The start interval holds in the start period, until the first success.
func TestHealthPause(t *testing.T) {
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rules := &Healthcheck{StartPeriod: Span(10 * time.Second), Interval: Span(time.Minute), StartInterval: Span(time.Second)}
	for _, test := range []struct {
		status string
		age    time.Duration
		want   time.Duration
	}{
		{Starting, 0, time.Second},
		{Starting, 9 * time.Second, time.Second},
		{Starting, 10 * time.Second, time.Minute},
		{Healthy, 0, time.Minute},
	} {
		h := &Health{Status: test.status, Life: began}
		if got := h.pause(rules, began.Add(test.age)); got != test.want {
			t.Errorf("%s after %v: %v, want %v", test.status, test.age, got, test.want)
		}
	}
}

// What the image says and what is typed, one by one; then docker's defaults.
func TestHealthcheck(t *testing.T) {
	check := func(test ...string) *images.Healthcheck { return &images.Healthcheck{Test: test} }
	times := &images.Healthcheck{Test: []string{"CMD", "ok"}, Interval: time.Second, Timeout: 2 * time.Second,
		StartPeriod: 3 * time.Second, StartInterval: 4 * time.Second, Retries: 5}
	for name, test := range map[string]struct {
		typed HealthCheck
		image *images.Healthcheck
		shell []string
		want  string
	}{
		"nothing":         {want: "none"},
		"typed":           {typed: HealthCheck{HealthCmd: "test -e /ok"}, want: `["/bin/sh" "-c" "test -e /ok"] 30s 30s 0s 5s 3`},
		"image":           {image: check("CMD", "ok", "-v"), want: `["ok" "-v"] 30s 30s 0s 5s 3`},
		"image's shell":   {image: check("CMD-SHELL", "ok"), shell: []string{"/bin/ash", "-ec"}, want: `["/bin/ash" "-ec" "ok"] 30s 30s 0s 5s 3`},
		"image's times":   {image: times, want: `["ok"] 1s 2s 3s 4s 5`},
		"times typed":     {typed: HealthCheck{HealthInterval: "1m", HealthRetries: 9}, image: times, want: `["ok"] 1m0s 2s 3s 4s 9`},
		"all typed":       {typed: HealthCheck{HealthCmd: "x", HealthInterval: "1m", HealthTimeout: "2m", HealthStartPeriod: "3m", HealthStartInterval: "4m", HealthRetries: 1}, image: times, want: `["/bin/sh" "-c" "x"] 1m0s 2m0s 3m0s 4m0s 1`},
		"only times":      {typed: HealthCheck{HealthInterval: "1m"}, want: "none"},
		"image's NONE":    {image: check("NONE"), want: "none"},
		"left out":        {typed: HealthCheck{NoHealthcheck: true}, image: times, want: "none"},
		"left out, bad":   {typed: HealthCheck{NoHealthcheck: true}, image: check("SCRIPT"), want: "none"},
		"empty test":      {image: &images.Healthcheck{Interval: time.Second}, want: "none"},
		"both":            {typed: HealthCheck{NoHealthcheck: true, HealthCmd: "x"}, want: "--no-healthcheck: not together with --health-…"},
		"both, a time":    {typed: HealthCheck{NoHealthcheck: true, HealthTimeout: "1s"}, want: "--no-healthcheck: not together with --health-…"},
		"too short":       {typed: HealthCheck{HealthInterval: "1us"}, want: `--health-interval "1us": not a time of 1ms or more`},
		"below 0":         {typed: HealthCheck{HealthTimeout: "-1s"}, want: `--health-timeout "-1s": not a time of 1ms or more`},
		"no unit":         {typed: HealthCheck{HealthStartPeriod: "5"}, want: `--health-start-period "5": not a time of 1ms or more`},
		"retries":         {typed: HealthCheck{HealthRetries: -1}, want: "--health-retries -1: below 0"},
		"image: kind":     {image: check("SCRIPT", "x"), want: `the image's health check: "SCRIPT": it is NONE, CMD or CMD-SHELL`},
		"image: no words": {image: check("CMD"), want: "the image's health check: CMD: and no command"},
		"image: NUL":      {image: check("CMD", "a\x00b"), want: `the image's health check: argument "a\x00b": a NUL in it`},
		"image: time":     {image: &images.Healthcheck{Test: []string{"CMD", "x"}, Interval: -1}, want: "the image's health check: interval: -1ns: shorter than 1ms"},
		"image: retries":  {image: &images.Healthcheck{Test: []string{"CMD", "x"}, Retries: -1}, want: "the image's health check: retries: -1: below 0"},
	} {
		t.Run(name, func(t *testing.T) {
			image := &images.Image{Docker: images.DockerConfig{Healthcheck: test.image, Shell: test.shell}}
			h, err := healthcheck(&Options{HealthCheck: test.typed}, image)
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

func TestHealthOutputIsLimited(t *testing.T) {
	var l limited
	for range 1000 {
		fmt.Fprint(&l, strings.Repeat("x", 1000))
	}
	if got := l.String(); got != strings.Repeat("x", 4096)+"..." {
		t.Errorf("%d bytes", len(got))
	}
	l = limited{}
	fmt.Fprint(&l, "\xff\xfe well")
	if got := l.String(); got != "\ufffd well" {
		t.Errorf("%q", got)
	}
}
