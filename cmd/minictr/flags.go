package main

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// -h is the hostname, as in docker, so help is --help everywhere.
func init() { cli.HelpFlag = &cli.BoolFlag{Name: "help", Usage: "show help", DisableDefaultText: true} }

var runFlags = append([]cli.Flag{
	&cli.StringFlag{Name: "name", Usage: "name the container `NAME`"},
	&cli.BoolFlag{Name: "rm", Usage: "remove the container when it ends"},
	&cli.StringFlag{Name: "cidfile", Usage: "write the container's id to `FILE`"},
	&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Usage: "keep standard input open"},
	&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the process a terminal of its own"},
	&cli.BoolFlag{Name: "init", Usage: "run an init that reaps orphans and hands on signals"},
	&cli.StringFlag{Name: "stop-signal", Usage: "stop the container with `SIGNAL`"},
	&cli.IntFlag{Name: "stop-timeout", Usage: "wait for `SECONDS` before killing it", DefaultText: "10"},
	&cli.StringFlag{Name: "restart", Usage: "begin again `no|on-failure[:N]|always|unless-stopped`", DefaultText: "no"},
	&cli.StringSliceFlag{Name: "label", Aliases: []string{"l"}, KeepSpace: true, Usage: "note `NAME=VALUE` about the container"},
	&cli.StringSliceFlag{Name: "log-opt", Usage: "keep the log as `max-size=SIZE` says", DefaultText: "max-size=8m"},

	&cli.StringFlag{Name: "health-cmd", Usage: "run `COMMAND` every so often: does it end with 0, the container is healthy"},
	&cli.StringFlag{Name: "health-interval", Usage: "run it `TIME` after it has ended", DefaultText: "30s"},
	&cli.StringFlag{Name: "health-timeout", Usage: "kill it after `TIME`", DefaultText: "30s"},
	&cli.IntFlag{Name: "health-retries", Usage: "`N` failures in a row are unhealthy", DefaultText: "3"},
	&cli.StringFlag{Name: "health-start-period", Usage: "count no failures in the first `TIME`", DefaultText: "0s"},
	&cli.StringFlag{Name: "health-start-interval", Usage: "the interval in that time is `TIME`", DefaultText: "5s"},
	&cli.BoolFlag{Name: "no-healthcheck", Usage: "leave out the image's"},

	&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, KeepSpace: true, Usage: "set `NAME=VALUE`, or pass NAME on"},
	&cli.StringSliceFlag{Name: "env-file", KeepSpace: true, Usage: "read variables from `FILE`"},
	&cli.StringFlag{Name: "workdir", Aliases: []string{"w"}, Usage: "start in `DIR`"},
	&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "run as `USER[:GROUP]`, names or numbers"},
	&cli.StringFlag{Name: "entrypoint", Usage: "run `PROGRAM` instead of the image's entrypoint"},
	&cli.StringFlag{Name: "hostname", Aliases: []string{"h"}, Usage: "call the container's system `NAME`"},

	&cli.StringSliceFlag{Name: "volume", Aliases: []string{"v"}, KeepSpace: true, Usage: "bind `SOURCE:TARGET[:ro]`"},
	&cli.StringSliceFlag{Name: "mount", KeepSpace: true, Usage: "mount `type=bind|tmpfs,src=SOURCE,dst=TARGET,…`"},
	&cli.StringSliceFlag{Name: "tmpfs", KeepSpace: true, Usage: "files in memory at `TARGET[:OPTIONS]`"},
	&cli.BoolFlag{Name: "read-only", Usage: "make the root filesystem read-only"},

	&cli.StringSliceFlag{Name: "cap-add", KeepSpace: true, Usage: "give the process capability `CAP`, or ALL"},
	&cli.StringSliceFlag{Name: "cap-drop", KeepSpace: true, Usage: "take capability `CAP` away, or ALL"},
	&cli.BoolFlag{Name: "privileged", Usage: "hold nothing back: all capabilities, devices and system calls"},
	&cli.StringSliceFlag{Name: "security-opt", KeepSpace: true, Usage: "set `OPTION`: seccomp=FILE|unconfined, no-new-privileges=false"},

	&cli.StringFlag{Name: "network", Aliases: []string{"net"}, Usage: "use network `none|host`", DefaultText: "none"},
	&cli.StringFlag{Name: "pid", Usage: "see the processes of `host`"},
	&cli.StringFlag{Name: "ipc", Usage: "share the memory and queues of `host`"},
	&cli.StringFlag{Name: "uts", Usage: "have the name of `host`"},
	&cli.StringFlag{Name: "userns", Usage: "map users: `CONTAINER:HOST:SIZE[,…]`"},

	&cli.StringSliceFlag{Name: "ulimit", KeepSpace: true, Usage: "limit each process: `NAME=SOFT[:HARD]`"},
	&cli.StringSliceFlag{Name: "sysctl", KeepSpace: true, Usage: "set a namespace's kernel setting `NAME=VALUE`"},
}, limitFlags...)

// runOptions returns what the flags say. The first word that is no flag is the
// image; all after it are the container's command.
func runOptions(c *cli.Context) (*config.Options, error) {
	if !c.Args().Present() {
		return nil, hint.New(errors.New("no image named"), fmt.Sprintf("write minictr %s IMAGE [COMMAND…]", c.Command.Name))
	}
	o := &config.Options{
		Name: c.String("name"), Remove: c.Bool("rm"), CIDFile: c.String("cidfile"),
		Interactive: c.Bool("interactive"), TTY: c.Bool("tty"), Init: c.Bool("init"),
		StopSignal: c.String("stop-signal"), Restart: c.String("restart"),
		Labels: c.StringSlice("label"), LogOpts: c.StringSlice("log-opt"),
		HealthCheck: config.HealthCheck{
			HealthCmd: c.String("health-cmd"), HealthInterval: c.String("health-interval"),
			HealthTimeout: c.String("health-timeout"), HealthRetries: c.Int("health-retries"),
			HealthStartPeriod: c.String("health-start-period"), HealthStartInterval: c.String("health-start-interval"),
			NoHealthcheck: c.Bool("no-healthcheck"),
		},
		Env: c.StringSlice("env"), EnvFiles: c.StringSlice("env-file"),
		Workdir: c.String("workdir"), User: c.String("user"), Hostname: c.String("hostname"),
		Command: c.Args().Tail(),
		Volumes: c.StringSlice("volume"), Mounts: c.StringSlice("mount"), Tmpfs: c.StringSlice("tmpfs"),
		ReadOnly: c.Bool("read-only"), Privileged: c.Bool("privileged"),
		CapAdd: c.StringSlice("cap-add"), CapDrop: c.StringSlice("cap-drop"),
		SecurityOpt: c.StringSlice("security-opt"),
		Network:     c.String("network"), PID: c.String("pid"), IPC: c.String("ipc"),
		UTS: c.String("uts"), Userns: c.String("userns"),
		Limits:  limits(c),
		Ulimits: c.StringSlice("ulimit"), Sysctls: c.StringSlice("sysctl"),
	}
	if c.IsSet("stop-timeout") {
		seconds := c.Int("stop-timeout")
		o.StopTimeout = &seconds
	}
	if c.IsSet("entrypoint") {
		entrypoint := c.String("entrypoint")
		o.Entrypoint = &entrypoint
	}
	return o, nil
}
