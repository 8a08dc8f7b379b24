package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/internal/printable"
	"github.com/urfave/cli/v2"
)

var infoCommand = &cli.Command{
	Name:  "info",
	Usage: "print what the store holds, and what this machine can and cannot do",
	Description: `The warnings at the end name the limits that are refused on this machine.
A template has docker's fields, as in {{.MemTotal}} or {{json .Warnings}}.`,
	Flags: []cli.Flag{
		&cli.StringFlag{
			Name: "format", Aliases: []string{"f"},
			Usage: "`FORMAT` json, or a Go template as in {{.KernelVersion}}",
		},
	},
	Action: printInfo,
}

func printInfo(c *cli.Context) error {
	i, unread := inspect.ReadInfo(c.String("root"), version)
	if i == nil {
		return unread
	}
	var err error
	switch format := c.String("format"); format {
	case "":
		fmt.Print(infoText(i))
		fmt.Fprint(os.Stderr, strings.Join(append(i.Warnings, ""), "\n"))
	case "json":
		err = printFilled("{{json .}}", []any{i})
	default:
		err = printFilled(format, []any{i})
	}
	return errors.Join(err, unread)
}

// infoText has the lines of docker info.
func infoText(i *inspect.Info) string {
	var text strings.Builder
	line := func(name string, value any) { fmt.Fprintf(&text, "%s: %s\n", name, printable.Line(fmt.Sprint(value))) }
	line("Containers", i.Containers)
	line(" Running", i.ContainersRunning)
	line(" Paused", i.ContainersPaused)
	line(" Stopped", i.ContainersStopped)
	line("Images", i.Images)
	line("Server Version", i.ServerVersion)
	line("Storage Driver", i.Driver)
	for _, status := range i.DriverStatus {
		line(" "+status[0], status[1])
	}
	line("Logging Driver", i.LoggingDriver)
	line("Cgroup Driver", i.CgroupDriver)
	line("Cgroup Version", i.CgroupVersion)
	text.WriteString("Plugins:\n")
	line(" Network", strings.Join(i.Plugins.Network, " "))
	line(" Log", strings.Join(i.Plugins.Log, " "))
	text.WriteString("Security Options:\n")
	for _, option := range i.SecurityOptions {
		name, profile, _ := strings.Cut(strings.TrimPrefix(option, "name="), ",profile=")
		fmt.Fprintf(&text, " %s\n", name)
		if profile != "" {
			line("  Profile", profile)
		}
	}
	line("Kernel Version", i.KernelVersion)
	line("Operating System", i.OperatingSystem)
	line("OSType", i.OSType)
	line("Architecture", i.Architecture)
	line("CPUs", i.NCPU)
	line("Total Memory", units.BytesSize(float64(i.MemTotal)))
	line("Name", i.Name)
	line("Docker Root Dir", i.DockerRootDir)
	return text.String()
}
