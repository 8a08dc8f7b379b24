package main

// The flags of run, create and plan, spelled as docker's. Package config gives them
// their meaning.

import (
	"slices"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/internal/help"
	"github.com/urfave/cli/v2"
)

// -h is --hostname, as in docker: help is --help alone.
func init() {
	cli.HelpFlag = &cli.BoolFlag{Name: "help", Usage: "print help", DisableDefaultText: true}
	cli.VersionFlag = &cli.BoolFlag{Name: "version", Aliases: []string{"v"}, Usage: "print the version"}
}

// runFlags follow commonFlags and, but for plan, pullFlags.
var runFlags = slices.Concat(processFlags, isolationFlags, limitFlags, lifecycleFlags)

var commonFlags = []cli.Flag{
	help.Heading("Common"),
	listFlag("attach", "`STREAM` attach only stdin, stdout or stderr", "a"),
	&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Usage: "keep standard input open"},
	&cli.StringFlag{Name: "name", Usage: "`NAME` name of the container"},
	&cli.BoolFlag{Name: "rm", Usage: "remove the container and its files when it exits"},
	&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "allocate a pseudo-terminal"},
}

var processFlags = []cli.Flag{
	help.Heading("Process"),
	&cli.StringFlag{Name: "entrypoint", Usage: "`PROGRAM` program to run instead of the image's entrypoint"},
	listFlag("env", envUsage, "e"),
	listFlag("env-file", "`FILE` read environment variables from a file"),
	listFlag("group-add", "`GROUP` add a group, as name or number"),
	&cli.BoolFlag{Name: "init", Usage: "run an init that reaps processes and forwards signals"},
	&cli.IntFlag{
		Name: "oom-score-adj", DefaultText: "minictr's",
		Usage: "`NUMBER` how likely the OOM killer chooses it, -1000 to 1000",
	},
	listFlag("ulimit", "`NAME=SOFT[:HARD]` set a resource limit"),
	&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "`USER[:GROUP]` user and group, as names or numbers"},
	&cli.StringFlag{Name: "workdir", Aliases: []string{"w"}, Usage: "`DIR` working directory"},
}

var isolationFlags = []cli.Flag{
	help.Heading("Files"),
	listFlag("device", "`HOST[:CONTAINER][:rwm]` add a device, or all of a directory"),
	listFlag("device-cgroup-rule", "`RULE` allow devices, as in 'c 10:* rwm'"),
	listFlag("mount", "`OPTIONS` mount files: type=bind|volume|tmpfs,src=SOURCE,dst=TARGET,…"),
	&cli.BoolFlag{Name: "read-only", Usage: "make the root filesystem read-only"},
	&cli.StringFlag{Name: "shm-size", Usage: "`BYTES` size of /dev/shm", DefaultText: "64m"},
	listFlag("tmpfs", "`TARGET[:OPTIONS]` mount a tmpfs"),
	listFlag("volume", "`SOURCE:TARGET[:ro]` mount a volume, or a file or directory of the host", "v"),
	listFlag("volumes-from", "`CONTAINER[:ro]` mount what a container mounts"),

	help.Heading("Network"),
	listFlag("add-host", "`HOST:IP` add a line to /etc/hosts"),
	listFlag("dns", "`IP` name server of /etc/resolv.conf"),
	listFlag("dns-option", "`OPTION` option of /etc/resolv.conf", "dns-opt"),
	listFlag("dns-search", "`DOMAIN` search domain of /etc/resolv.conf"),
	listFlag("expose", "`PORT[/PROTOCOL]` note a port for inspect"),
	&cli.StringFlag{
		Name: "network", Aliases: []string{"net"}, DefaultText: "none",
		Usage: "`MODE` network: none or host",
	},

	help.Heading("Namespaces"),
	&cli.StringFlag{Name: "domainname", Usage: "`NAME` NIS domain name of the container"},
	&cli.StringFlag{Name: "hostname", Aliases: []string{"h"}, Usage: "`NAME` hostname of the container"},
	&cli.StringFlag{Name: "ipc", Usage: "`host` use the host's IPC namespace; none: no /dev/shm"},
	&cli.StringFlag{Name: "pid", Usage: "`host` use the host's PID namespace"},
	listFlag("sysctl", "`NAME=VALUE` set a kernel parameter of a namespace"),
	&cli.StringFlag{Name: "userns", Usage: "`CONTAINER:HOST:SIZE[,…]` map user IDs in a user namespace"},
	&cli.StringFlag{Name: "uts", Usage: "`host` use the host's UTS namespace"},

	help.Heading("Security"),
	listFlag("cap-add", "`CAP` add a capability, or ALL"),
	listFlag("cap-drop", "`CAP` drop a capability, or ALL"),
	&cli.BoolFlag{Name: "privileged", Usage: "grant all capabilities, devices and system calls"},
	listFlag("security-opt", "`OPTION` security option: seccomp=FILE|unconfined, no-new-privileges=false, "+
		"apparmor=PROFILE, systempaths=unconfined, mask=PATH, unmask=PATH|ALL"),
}

var lifecycleFlags = []cli.Flag{
	help.Heading("Lifecycle"),
	listFlag("annotation", "`NAME=VALUE` set an annotation of the OCI config"),
	&cli.StringFlag{Name: "cidfile", Usage: "`FILE` write the container ID to a file"},
	listFlag("label", "`NAME=VALUE` set a label", "l"),
	listFlag("label-file", "`FILE` read labels from a file"),
	&cli.StringFlag{Name: "log-driver", Usage: "`DRIVER` none keeps no log", DefaultText: "json-file"},
	&cli.StringSliceFlag{
		Name: "log-opt", DefaultText: "max-size=8m",
		Usage: "`OPTION` log option: max-size=BYTES, max-file=NUMBER, labels=NAME, env=NAME",
	},
	&cli.StringFlag{Name: "restart", Usage: restartUsage, DefaultText: "no"},
	&cli.StringFlag{Name: "stop-signal", Usage: "`SIGNAL` signal that stops the container"},
	&cli.IntFlag{Name: "stop-timeout", Usage: "`SECONDS` time from the stop signal to SIGKILL", DefaultText: "10"},

	help.Heading("Health"),
	&cli.StringFlag{Name: "health-cmd", Usage: "`COMMAND` shell command that checks health; exit code 0 means healthy"},
	&cli.StringFlag{Name: "health-interval", Usage: "`TIME` time between checks", DefaultText: "30s"},
	&cli.IntFlag{
		Name: "health-retries", DefaultText: "3",
		Usage: "`NUMBER` consecutive failures that make it unhealthy",
	},
	&cli.StringFlag{
		Name: "health-start-interval", DefaultText: "5s",
		Usage: "`TIME` time between checks in the start period",
	},
	&cli.StringFlag{
		Name: "health-start-period", DefaultText: "0s",
		Usage: "`TIME` time after the start in which failures do not count",
	},
	&cli.StringFlag{Name: "health-timeout", Usage: "`TIME` time limit of a check", DefaultText: "30s"},
	&cli.BoolFlag{Name: "no-healthcheck", Usage: "disable the image's health check"},
}

// listFlag may be given several times. A value keeps its spaces and commas.
func listFlag(name, usage string, aliases ...string) *cli.StringSliceFlag {
	return &cli.StringSliceFlag{Name: name, Usage: usage, Aliases: aliases, KeepSpace: true}
}

// Of flags that several commands have.
const (
	envUsage     = "`NAME[=VALUE]` set an environment variable; without a value, copy minictr's own"
	restartUsage = "`POLICY` restart policy: no, on-failure[:MAX], always, unless-stopped"
)

// runOptions returns the options that the flags set. The arguments are the image and
// the command of the container.
func runOptions(c *cli.Context) *config.Options {
	o := &config.Options{
		Name: c.String("name"), Remove: c.Bool("rm"), CIDFile: c.String("cidfile"),
		Interactive: c.Bool("interactive"), TTY: c.Bool("tty"), Init: c.Bool("init"),
		StopSignal: c.String("stop-signal"), Restart: c.String("restart"),
		Labels: c.StringSlice("label"), LabelFiles: c.StringSlice("label-file"),
		Annotations: c.StringSlice("annotation"),
		LogDriver:   c.String("log-driver"), LogOpts: c.StringSlice("log-opt"),
		Attach: c.StringSlice("attach"), Expose: c.StringSlice("expose"),
		Domainname: c.String("domainname"), AddHosts: c.StringSlice("add-host"),
		DNS: c.StringSlice("dns"), DNSSearch: c.StringSlice("dns-search"),
		DNSOptions: c.StringSlice("dns-option"),
		GroupAdd:   c.StringSlice("group-add"), OOMScore: given(c, "oom-score-adj", c.Int),
		ShmSize: c.String("shm-size"), Devices: c.StringSlice("device"),
		DeviceRules: c.StringSlice("device-cgroup-rule"),
		HealthOptions: config.HealthOptions{
			HealthCmd: c.String("health-cmd"), HealthInterval: c.String("health-interval"),
			HealthTimeout: c.String("health-timeout"), HealthRetries: c.Int("health-retries"),
			HealthStartPeriod: c.String("health-start-period"), HealthStartInterval: c.String("health-start-interval"),
			NoHealthcheck: c.Bool("no-healthcheck"),
		},
		Env: c.StringSlice("env"), EnvFiles: c.StringSlice("env-file"),
		Workdir: c.String("workdir"), User: c.String("user"), Hostname: c.String("hostname"),
		Command: c.Args().Tail(),
		Volumes: c.StringSlice("volume"), VolumesFrom: c.StringSlice("volumes-from"),
		Mounts: c.StringSlice("mount"), Tmpfs: c.StringSlice("tmpfs"),
		ReadOnly: c.Bool("read-only"), Privileged: c.Bool("privileged"),
		CapAdd: c.StringSlice("cap-add"), CapDrop: c.StringSlice("cap-drop"),
		SecurityOpt: c.StringSlice("security-opt"),
		Network:     c.String("network"), PID: c.String("pid"), IPC: c.String("ipc"),
		UTS: c.String("uts"), Userns: c.String("userns"),
		Limits:  limits(c),
		Ulimits: c.StringSlice("ulimit"), Sysctls: c.StringSlice("sysctl"),
	}
	// Flags whose zero value differs from not being set.
	if c.IsSet("stop-timeout") {
		seconds := c.Int("stop-timeout")
		o.StopTimeout = &seconds
	}
	if c.IsSet("entrypoint") {
		entrypoint := c.String("entrypoint")
		o.Entrypoint = &entrypoint
	}
	return o
}
