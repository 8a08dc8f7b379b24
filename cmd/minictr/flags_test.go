package main

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/internal/help"
	"github.com/urfave/cli/v2"
)

// parse runs words through an app with a run command, set up like the real one.
func parse(words ...string) (o *config.Options, image, output string, err error) {
	var out bytes.Buffer
	command := &cli.Command{Name: "run", Usage: "run", ArgsUsage: runCommand.ArgsUsage}
	command.Flags = append(slices.Clone(runCommand.Flags), refusedFlags(notInRun, words)...)
	command.Action = func(c *cli.Context) error {
		image, o = c.Args().First(), runOptions(c)
		return nil
	}
	app := &cli.App{
		Name: "minictr", Writer: &out, UseShortOptionHandling: true, DisableSliceFlagSeparator: true,
		Commands: []*cli.Command{command},
	}
	err = help.Run(app, append([]string{"minictr", "run"}, words...))
	return o, image, out.String(), err
}

func TestRunOptions(t *testing.T) {
	program, limit := "", int64(-1)
	limited := func(l config.Limits) config.Options { return config.Options{Limits: l} }
	for _, test := range []struct {
		words string
		want  config.Options
	}{
		{"busybox", config.Options{}},
		{"--rm -it busybox sh -c ls", config.Options{
			Remove: true, Interactive: true, TTY: true, Command: []string{"sh", "-c", "ls"},
		}},
		{"busybox ls --help -it -x", config.Options{Command: []string{"ls", "--help", "-it", "-x"}}},
		{"-h web -w /src -u 1:2 busybox", config.Options{Hostname: "web", Workdir: "/src", User: "1:2"}},
		{"-e A=1,2 -e B -v /a:/b -v c:/d:ro busybox", config.Options{
			Env: []string{"A=1,2", "B"}, Volumes: []string{"/a:/b", "c:/d:ro"},
		}},
		{"--mount type=tmpfs,dst=/x --tmpfs /y:size=1m,ro busybox", config.Options{
			Mounts: []string{"type=tmpfs,dst=/x"}, Tmpfs: []string{"/y:size=1m,ro"},
		}},
		{"--entrypoint= --pids-limit -1 --net host busybox", config.Options{
			Entrypoint: &program, Network: "host", Limits: config.Limits{PidsLimit: &limit},
		}},
		{"-m 512m -c 512 --cpus=1.5 busybox", limited(config.Limits{
			Memory: "512m", CPUShares: new(uint64(512)), CPUs: "1.5",
		})},
		{"--memory-swap -1 --memory-reservation 8m --cpu-quota -1 --cpu-period 50000 busybox", limited(config.Limits{
			MemorySwap: "-1", MemoryReservation: "8m", CPUQuota: &limit, CPUPeriod: new(uint64(50000)),
		})},
		{"--cpuset-cpus 0,1 --cpuset-mems 0 --blkio-weight 10 --blkio-weight-device a:1 busybox", limited(config.Limits{
			CpusetCPUs: "0,1", CpusetMems: "0", BlkioWeight: new(uint64(10)), BlkioWeightDevices: []string{"a:1"},
		})},
		{"--device-read-bps b:2 --device-write-bps c:3 busybox", limited(config.Limits{
			DeviceReadBps: []string{"b:2"}, DeviceWriteBps: []string{"c:3"},
		})},
		{"--device-read-iops d:4 --device-write-iops e:5 busybox", limited(config.Limits{
			DeviceReadIOps: []string{"d:4"}, DeviceWriteIOps: []string{"e:5"},
		})},
		{"--hugetlb-limit 2MB:0 --cgroup-conf io.max=a,b --cgroup-conf cpu.idle=1 busybox", limited(config.Limits{
			HugetlbLimits: []string{"2MB:0"}, CgroupConf: []string{"io.max=a,b", "cpu.idle=1"},
		})},
		{"--ulimit nofile=1:2 --sysctl net.x=1 --cap-add ALL --cap-drop KILL busybox", config.Options{
			Ulimits: []string{"nofile=1:2"}, Sysctls: []string{"net.x=1"},
			CapAdd: []string{"ALL"}, CapDrop: []string{"KILL"},
		}},
	} {
		got, image, output, err := parse(strings.Fields(test.words)...)
		if err != nil || image != "busybox" {
			t.Errorf("%s: image %q, %v\n%s", test.words, image, err, output)
			continue
		}
		if !same(*got, test.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", test.words, *got, test.want)
		}
	}
}

func TestEnvironmentKeepsSpaces(t *testing.T) {
	got, _, _, err := parse("-e", "A= two  words ", "busybox")
	if err != nil || len(got.Env) != 1 || got.Env[0] != "A= two  words " {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHelpIsNotHostname(t *testing.T) {
	if _, _, output, err := parse("--help"); err != nil || !strings.Contains(output, "--hostname") {
		t.Errorf("--help: %v\n%s", err, output)
	}
}

func TestRunWithoutImage(t *testing.T) {
	if _, _, _, err := parse("--rm"); err == nil || err.Error() != "run: IMAGE is missing" {
		t.Errorf("got %v", err)
	}
}

// same reports whether options are equal. A nil slice equals an empty one.
func same(a, b config.Options) bool {
	return sameValue(reflect.ValueOf(a), reflect.ValueOf(b))
}

func sameValue(x, y reflect.Value) bool {
	if x.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0 {
		return true
	}
	if x.Kind() != reflect.Struct {
		return reflect.DeepEqual(x.Interface(), y.Interface())
	}
	for i := range x.NumField() {
		if !sameValue(x.Field(i), y.Field(i)) {
			return false
		}
	}
	return true
}
