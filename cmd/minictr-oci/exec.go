package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

var execCommand = &cli.Command{
	Name:      "exec",
	Usage:     "run a program in a running container",
	ArgsUsage: "CONTAINER-ID COMMAND [ARGUMENT…]\n--process=FILE CONTAINER-ID",
	Flags: []cli.Flag{
		&cli.StringFlag{
			Name: "process", Aliases: []string{"p"},
			Usage: "`FILE` read the process as JSON, as in config.json; - for standard input",
		},
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "do not wait for the process"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "allocate a pseudo-terminal"},
		&cli.StringFlag{Name: "cwd", Usage: "`DIR` working directory"},
		&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "`NAME=VALUE` set an environment variable"},
		&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "`UID[:GID]` user and group IDs"},
		&cli.IntSliceFlag{Name: "additional-gids", Aliases: []string{"g"}, Usage: "`GID` add a supplementary group"},
		&cli.StringSliceFlag{Name: "cap", Aliases: []string{"c"}, Usage: "`CAP` add a capability"},
		&cli.BoolFlag{Name: "no-new-privs", Usage: "set no_new_privs: execve(2) grants no privileges"},
		&cli.StringFlag{Name: "apparmor", Usage: "`PROFILE` AppArmor profile"},
		&cli.StringFlag{Name: "process-label", Usage: "`LABEL` SELinux label"},
		&cli.StringSliceFlag{Name: "cgroup", Usage: "`PATH` cgroup below that of the container"},
		&cli.BoolFlag{Name: "ignore-paused", Usage: "in a paused container, wait until it is resumed"},
		consoleSocketFlag, pidFileFlag, pidfdSocketFlag, preserveFdsFlag,
	},
	Action: func(c *cli.Context) error {
		code, err := execute(c)
		if err != nil {
			tell("error", err)
			code = execFailed
		}
		os.Exit(code)
		return nil
	},
}

const execFailed = 255 // as runc: 1, 126 and 127 could be the exit code of the process

func execute(c *cli.Context) (code int, err error) {
	signals := runtime.CatchSignals()
	// The container and the process.
	id, err := containerID(c)
	if err != nil {
		return 0, err
	}
	container, err := state.OpenReadOnly(c.String("root"), id)
	if err != nil {
		return 0, err
	}
	spec, err := container.Config()
	if err != nil {
		return 0, err
	}
	process, err := execProcess(c, spec)
	if err != nil {
		return 0, err
	}
	// How it is started.
	o, err := processOptions(c)
	if err != nil {
		return 0, err
	}
	o.Outlive, o.IgnorePaused = c.Bool("detach"), c.Bool("ignore-paused")
	o.Trace, o.Signals = log.debugSteps(phaseExec), signals
	if o.SubCgroup, err = below(c.StringSlice("cgroup")); err != nil {
		return 0, err
	}
	streams, err := connect(&o, process, spec)
	if err != nil {
		return 0, err
	}
	// Start it, and wait unless it is detached.
	started, err := runtime.Exec(container, process, o)
	if err != nil || o.Outlive {
		return 0, withProgram(err, process)
	}
	return attend(started, streams, signals)
}

// execProcess returns the process of exec: that of --process, or the container's with
// another command.
func execProcess(c *cli.Context, spec *specs.Spec) (*specs.Process, error) {
	if file := c.String("process"); file != "" {
		return readProcess(file)
	}
	// The container's process, with another command.
	p := specs.Process{Cwd: "/"}
	if spec.Process != nil {
		p = *spec.Process
	}
	p.Args, p.Terminal, p.ConsoleSize = c.Args().Tail(), c.Bool("tty"), nil
	p.Env = append(slices.Clip(p.Env), c.StringSlice("env")...)
	p.NoNewPrivileges = p.NoNewPrivileges || c.Bool("no-new-privs")
	for value, field := range map[string]*string{
		"cwd": &p.Cwd, "apparmor": &p.ApparmorProfile, "process-label": &p.SelinuxLabel,
	} {
		if c.IsSet(value) {
			*field = c.String(value)
		}
	}
	// Capabilities, groups and user.
	addCapabilities(&p, c.StringSlice("cap"))
	for _, gid := range c.IntSlice("additional-gids") {
		if gid < 0 || gid > math.MaxUint32 {
			return nil, fmt.Errorf("--additional-gids %d: not a group ID", gid)
		}
		p.User.AdditionalGids = append(slices.Clip(p.User.AdditionalGids), uint32(gid))
	}
	return &p, setUser(&p.User, c.String("user"))
}

func readProcess(file string) (*specs.Process, error) {
	in, err := input(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	p := &specs.Process{}
	if err := json.UnmarshalRead(io.LimitReader(in, runtime.MaxConfig), p); err != nil {
		return nil, fmt.Errorf("--process %s: %w", file, err)
	}
	return p, nil
}

// addCapabilities adds to the bounding, effective and permitted sets, and, as runc, of those
// that the process may inherit to the ambient set, which cannot exceed them
// (capabilities(7)).
func addCapabilities(p *specs.Process, names []string) {
	if len(names) == 0 {
		return
	}
	sum := specs.LinuxCapabilities{}
	if p.Capabilities != nil {
		sum = *p.Capabilities
	}
	for _, name := range names {
		if slices.Contains(sum.Inheritable, name) {
			sum.Ambient = append(slices.Clip(sum.Ambient), name)
		}
		for _, set := range []*[]string{&sum.Bounding, &sum.Effective, &sum.Permitted} {
			if !slices.Contains(*set, name) {
				*set = append(slices.Clip(*set), name)
			}
		}
	}
	p.Capabilities = &sum
}

// setUser sets UID[:GID]. Names are not looked up.
func setUser(u *specs.User, text string) error {
	if text == "" {
		return nil
	}
	uid, gid, both := strings.Cut(text, ":")
	if !both {
		gid = strconv.FormatUint(uint64(u.GID), 10)
	}
	for i, value := range []string{uid, gid} {
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return hint.New(fmt.Errorf("--user %q: not UID[:GID]", text), "write as in --user 1000:1000")
		}
		*[]*uint32{&u.UID, &u.GID}[i] = uint32(n)
	}
	return nil
}

// below returns the path of --cgroup. runc also accepts CONTROLLER:PATH, for cgroup v1.
func below(paths []string) (string, error) {
	if len(paths) == 0 {
		return "", nil
	}
	if len(paths) > 1 || strings.Contains(paths[0], ":") {
		return "", errors.New("--cgroup: takes one path without controllers")
	}
	return paths[0], nil
}
