package monitor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/internal/testkit"
)

var (
	began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rules = &config.Healthcheck{
		Retries: 3, StartPeriod: config.Duration(10 * time.Second),
		Interval: config.Duration(time.Minute), StartInterval: config.Duration(time.Second),
	}
)

// A check succeeds (+) or fails (-); want lists the health after each.
func TestHealth(t *testing.T) {
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
		h := &container.Health{Status: container.Starting, TaskStarted: began}
		var got []string
		for i, c := range test.checks {
			at := began.Add(time.Duration((i+1)*test.seconds) * time.Second)
			check := container.Check{Start: at, ExitCode: strings.IndexRune("+-", c)}
			addCheck(h, rules, check)
			got = append(got, h.Status)
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s every %d s: %s, want %s", test.checks, test.seconds, got, test.want)
		}
	}
}

func TestHealthKeepsTheLastChecks(t *testing.T) {
	h := &container.Health{Status: container.Starting}
	for code := range 8 {
		addCheck(h, rules, container.Check{ExitCode: code})
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
	for _, test := range []struct {
		status string
		age    time.Duration
		want   time.Duration
	}{
		{container.Starting, 0, time.Second},
		{container.Starting, 9 * time.Second, time.Second},
		{container.Starting, 10 * time.Second, time.Minute},
		{container.Healthy, 0, time.Minute},
	} {
		h := &container.Health{Status: test.status, TaskStarted: began}
		if got := checkDelay(h, rules, began.Add(test.age)); got != test.want {
			t.Errorf("%s after %v: %v, want %v", test.status, test.age, got, test.want)
		}
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
	testkit.Equal(t, "a rune in parts", l.String(), "\ufffd well")
}
