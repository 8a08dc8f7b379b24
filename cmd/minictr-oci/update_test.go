package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/help"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

// TestUpdateFlags: each flag sets its field of linux.resources, and no other.
func TestUpdateFlags(t *testing.T) {
	for line, want := range map[string]string{
		"--memory 512m":                      `{"memory":{"limit":536870912}}`,
		"--memory -1 --memory-swap -1":       `{"memory":{"limit":-1,"swap":-1}}`,
		"--memory-reservation 4096":          `{"memory":{"reservation":4096}}`,
		"--cpu-quota -1":                     `{"cpu":{"quota":-1}}`,
		"--cpu-quota 5000 --cpu-period 9000": `{"cpu":{"quota":5000,"period":9000}}`,
		"--cpu-burst 0":                      `{"cpu":{"burst":0}}`,
		"--cpu-share 512 --cpu-idle 1":       `{"cpu":{"shares":512,"idle":1}}`,
		"--cpu-rt-period 1":                  `{"cpu":{"realtimePeriod":1}}`,
		"--cpu-rt-runtime 1":                 `{"cpu":{"realtimeRuntime":1}}`,
		"--cpuset-cpus 0-2 --cpuset-mems 0":  `{"cpu":{"cpus":"0-2","mems":"0"}}`,
		"--pids-limit -1":                    `{"pids":{"limit":-1}}`,
		"--pids-limit 0":                     `{"pids":{"limit":0}}`,
		"--blkio-weight 300":                 `{"blockIO":{"weight":300}}`,
	} {
		got, err := parseUpdate(line)
		if err != nil {
			t.Errorf("update %s: %v", line, err)
			continue
		}
		limits := &specs.LinuxResources{
			CPU: &specs.LinuxCPU{}, Memory: &specs.LinuxMemory{}, Pids: &specs.LinuxPids{},
			BlockIO: &specs.LinuxBlockIO{},
		}
		testkit.Check(t, json.Unmarshal([]byte(want), limits))
		if !reflect.DeepEqual(got, limits) {
			t.Errorf("update %s: not %s", line, want)
		}
	}
	for line, want := range map[string]string{
		"--blkio-weight 70000": "--blkio-weight 70000: greater than 65535",
		"--memory 1x":          `--memory "1x": `,
		"--cpu-quota much":     "cpu-quota",
		"":                     "no limit given",
	} {
		if _, err := parseUpdate(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("update %s: %v, want %s", line, err, want)
		}
	}
}

func parseUpdate(line string) (r *specs.LinuxResources, err error) {
	parse := &cli.Command{Name: "update", ArgsUsage: "ID", Flags: updateCommand.Flags}
	parse.Action = func(c *cli.Context) error {
		r, err = resources(c)
		return nil
	}
	app := &cli.App{Name: "minictr-oci", Commands: []*cli.Command{parse}}
	words := append(append([]string{"minictr-oci", "update"}, strings.Fields(line)...), "one")
	if err := help.Run(app, words); err != nil {
		return nil, err
	}
	return r, err
}
