package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/minictr/minictr/container"
	"github.com/urfave/cli/v2"
)

// parse runs words through an app with a run command, set up like the real one.
func parse(words ...string) (o *container.Options, image, output string, err error) {
	var out bytes.Buffer
	app := &cli.App{
		Name: "minictr", Writer: &out, ErrWriter: &out,
		UseShortOptionHandling: true, DisableSliceFlagSeparator: true,
		Commands: []*cli.Command{{Name: "run", Flags: runFlags, Action: func(c *cli.Context) (err error) {
			image = c.Args().First()
			o, err = runOptions(c)
			return err
		}}},
	}
	err = app.Run(append([]string{"minictr", "run"}, words...))
	return o, image, out.String(), err
}

func TestRunOptions(t *testing.T) {
	program, limit := "", int64(-1)
	for _, test := range []struct {
		words string
		want  container.Options
	}{
		{"busybox", container.Options{}},
		{"--rm -it busybox sh -c ls", container.Options{Remove: true, Interactive: true, TTY: true, Command: []string{"sh", "-c", "ls"}}},
		{"busybox ls --help -it -x", container.Options{Command: []string{"ls", "--help", "-it", "-x"}}},
		{"-h web -w /src -u 1:2 busybox", container.Options{Hostname: "web", Workdir: "/src", User: "1:2"}},
		{"-e A=1,2 -e B -v /a:/b -v c:/d:ro busybox", container.Options{Env: []string{"A=1,2", "B"}, Volumes: []string{"/a:/b", "c:/d:ro"}}},
		{"--mount type=tmpfs,dst=/x --tmpfs /y:size=1m,ro busybox", container.Options{Mounts: []string{"type=tmpfs,dst=/x"}, Tmpfs: []string{"/y:size=1m,ro"}}},
		{"--entrypoint= --pids-limit -1 busybox", container.Options{Entrypoint: &program, PidsLimit: &limit}},
		{"--net host -m 512m -c 512 --cpus=1.5 busybox", container.Options{Network: "host", Memory: "512m", CPUShares: 512, CPUs: "1.5"}},
		{"--ulimit nofile=1:2 --sysctl net.x=1 --cap-add ALL --cap-drop KILL busybox", container.Options{
			Ulimits: []string{"nofile=1:2"}, Sysctls: []string{"net.x=1"}, CapAdd: []string{"ALL"}, CapDrop: []string{"KILL"}}},
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
	if _, _, _, err := parse("--rm"); err == nil || err.Error() != "no image named" {
		t.Errorf("got %v", err)
	}
}

// same compares options, where no words and an empty list of them are one.
func same(a, b container.Options) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		p, q := x.Field(i), y.Field(i)
		if p.Kind() == reflect.Slice && p.Len() == 0 && q.Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(p.Interface(), q.Interface()) {
			return false
		}
	}
	return true
}
