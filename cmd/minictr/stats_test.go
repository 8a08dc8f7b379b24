package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/container/stats"
	"github.com/minictr/minictr/internal/testkit"
)

var (
	counted = inspect.Stats{ID: strings.Repeat("0123456789abcdef", 4), Name: "counted", Running: true,
		Usage: stats.Usage{
			CPU: &stats.CPU{Nanoseconds: 1500, Percent: new(150.5)},
			Memory: &stats.Memory{Current: 3 << 20, Anon: 1 << 20, File: 1536 << 10, Kernel: 512 << 10,
				Limit: new(uint64(64 << 20)), Percent: new(4.69)},
			Pids: &stats.Pids{Current: 3, Limit: new(uint64(2048))},
			IO:   &stats.IO{Read: 4096, Written: 0},
			Pressure: stats.Pressure{CPU: &stats.Stall{Some: 12.5, Full: 1}, Memory: &stats.Stall{},
				IO: &stats.Stall{}},
		}}
	unlimited = inspect.Stats{ID: strings.Repeat("fedcba9876543210", 4), Name: "unlimited", Running: true,
		Usage: stats.Usage{
			CPU:    &stats.CPU{Percent: new(0.0)},
			Memory: &stats.Memory{Current: 1 << 10},
			Pids:   &stats.Pids{Current: 1},
		}}
	stopped = inspect.Stats{ID: strings.Repeat("00", 32), Name: "stopped"}
)

func TestStatsRow(t *testing.T) {
	for _, test := range []struct {
		runStats inspect.Stats
		want     statsRow
	}{
		{counted, statsRow{"0123456789ab", "counted", "counted", "--", "150.50%", "1MiB", "1.5MiB",
			"3MiB / 64MiB", "4.69%", "12.5% / 0.0% / 0.0%", "3 / 2048", "4KiB / 0B"}},
		{unlimited, statsRow{"fedcba987654", "unlimited", "unlimited", "--", "0.00%", "0B", "0B",
			"1KiB / max", "--", "-- / -- / --", "1 / max", "--"}},
		{stopped, statsRow{"000000000000", "stopped", "stopped", "--", "--", "--", "--",
			"--", "--", "-- / -- / --", "--", "--"}},
	} {
		if got := newStatsRow(test.runStats, false); got != test.want {
			t.Errorf("\n got %+v\nwant %+v", got, test.want)
		}
		testkit.Equal(t, "--no-trunc", newStatsRow(test.runStats, true).ID, test.runStats.ID)
	}
}

// TestStatsJSON: numbers are numbers; what is not counted is null.
func TestStatsJSON(t *testing.T) {
	for _, test := range []struct {
		runStats inspect.Stats
		want     string
	}{
		{counted,
			`"running":true,"cpu":{"nanoseconds":1500,"percent":150.5},` +
				`"memory":{"current":3145728,"anon":1048576,"file":1572864,` +
				`"kernel":524288,"limit":67108864,"percent":4.69},` +
				`"pids":{"current":3,"limit":2048},"io":{"read":4096,"written":0},` +
				`"pressure":{"cpu":{"some":12.5,"full":1},"memory":{"some":0,"full":0},` +
				`"io":{"some":0,"full":0}}}`},
		{unlimited,
			`"running":true,"cpu":{"nanoseconds":0,"percent":0},` +
				`"memory":{"current":1024,"anon":0,"file":0,"kernel":0,"limit":null,"percent":null},` +
				`"pids":{"current":1,"limit":null},"io":null,"pressure":{"cpu":null,"memory":null,"io":null}}`},
		{stopped,
			`"running":false,"cpu":null,"memory":null,"pids":null,"io":null,"pressure":{"cpu":null,` +
				`"memory":null,"io":null}}`},
	} {
		got, err := json.Marshal(test.runStats)
		if want := `{"id":"` + test.runStats.ID + `","name":"` + test.runStats.Name + `",` + test.want; err != nil ||
			string(got) != want {
			t.Errorf("%v\n got %s\nwant %s", err, got, want)
		}
	}
}

// TestStatsIsDrawnAnew: on a terminal, each table replaces the one before.
func TestStatsIsDrawnAnew(t *testing.T) {
	testkit.NeedRoot(t)
	t.Setenv("MINICTR_ROOT", t.TempDir())
	screen, line, err := pty.Open()
	testkit.Check(t, err)
	defer screen.Close()
	s := &session{t: t, screen: screen, line: line, Cmd: exec.Command("minictr", "stats")}
	s.Stdin, s.Stdout, s.Stderr = line, line, line
	testkit.Check(t, s.Start())
	defer s.Wait()
	defer s.Process.Kill()
	defer line.Close()
	go s.read()
	const drawn = "\x1b[H\x1b[JCONTAINER ID   NAME"
	s.expect(drawn)
	if !testkit.Within(func() bool { return strings.Count(s.shown(), drawn) > 1 }) {
		t.Errorf("once, and never again: %q", s.shown())
	}
}
