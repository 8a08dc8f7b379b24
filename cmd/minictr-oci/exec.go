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
	Name:  "exec",
	Usage: "start another process in a container",
	UsageText: "minictr-oci exec [FLAGS] CONTAINER-ID COMMAND [ARGUMENT…]\n" +
		"minictr-oci exec [FLAGS] --process FILE CONTAINER-ID",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "process", Aliases: []string{"p"}, Usage: "`FILE` holds the process as JSON, like process of a config.json; - is standard input"},
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "do not wait: the process lives on"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "with a terminal"},
		&cli.StringFlag{Name: "cwd", Usage: "it begins in `DIR`"},
		&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "set `NAME=VALUE` besides the container's environment"},
		&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "as `UID[:GID]`"},
		&cli.IntSliceFlag{Name: "additional-gids", Aliases: []string{"g"}, Usage: "in the group `GID`, too"},
		&cli.StringSliceFlag{Name: "cap", Aliases: []string{"c"}, Usage: "with the capability `NAME` besides the container's"},
		&cli.BoolFlag{Name: "no-new-privs", Usage: "it never gains privileges by executing a program"},
		&cli.StringFlag{Name: "apparmor", Usage: "under the AppArmor `PROFILE`"},
		&cli.StringFlag{Name: "process-label", Usage: "with the SELinux `LABEL`"},
		&cli.StringSliceFlag{Name: "cgroup", Usage: "in the cgroup `PATH` below the container's"},
		&cli.BoolFlag{Name: "ignore-paused", Usage: "not implemented: nothing runs in a frozen cgroup"},
		consoleSocketFlag, pidFileFlag, preserveFdsFlag,
	},
	Action: func(c *cli.Context) error {
		code, err := execute(c)
		if err != nil {
			end(err, execFailed)
		}
		os.Exit(code)
		return nil
	},
}

const execFailed = 255 // as runc: 1 could be the process's own

// end tells of an error, and ends with the exit code that shells have for it,
// or else with code.
func end(err error, code int) {
	tell("error", err)
	if known, ok := runtime.ExecExitCode(err); ok {
		code = known
	}
	os.Exit(code)
}

func execute(c *cli.Context) (code int, err error) {
	if c.Bool("ignore-paused") {
		return 0, hint.New(errors.New("--ignore-paused: not implemented"), "resume the container first")
	}
	signals := runtime.CatchSignals()
	id, err := containerID(c, c.NArg())
	if err != nil {
		return 0, err
	}
	folder, err := state.OpenReadOnly(c.String("root"), id)
	if err != nil {
		return 0, err
	}
	spec, err := folder.Config()
	if err != nil {
		return 0, err
	}
	process, err := execProcess(c, spec)
	if err != nil {
		return 0, err
	}
	t, err := terms(c)
	if err != nil {
		return 0, err
	}
	t.Outlive = c.Bool("detach")
	if t.Below, err = below(c.StringSlice("cgroup")); err != nil {
		return 0, err
	}
	streams, err := connect(&t, process, spec)
	if err != nil {
		return 0, err
	}
	signals.Ready()
	started, err := runtime.Exec(folder, process, t)
	if err != nil || t.Outlive {
		return 0, err
	}
	return attend(started, streams, signals)
}

// execProcess is the process that the flags describe: read from a file, or the
// container's own with another command.
func execProcess(c *cli.Context, spec *specs.Spec) (*specs.Process, error) {
	if file := c.String("process"); file != "" {
		if c.NArg() > 1 {
			return nil, errors.New("exec: --process and a command: one of them only")
		}
		return readProcess(file)
	}
	if c.NArg() < 2 {
		return nil, errors.New("exec: no command: process args cannot be empty")
	}
	p := specs.Process{Cwd: "/"}
	if spec.Process != nil {
		p = *spec.Process
	}
	p.Args, p.Terminal, p.ConsoleSize = c.Args().Tail(), c.Bool("tty"), nil
	p.Env = append(slices.Clip(p.Env), c.StringSlice("env")...)
	p.NoNewPrivileges = p.NoNewPrivileges || c.Bool("no-new-privs")
	for value, field := range map[string]*string{"cwd": &p.Cwd, "apparmor": &p.ApparmorProfile, "process-label": &p.SelinuxLabel} {
		if c.IsSet(value) {
			*field = c.String(value)
		}
	}
	addCapabilities(&p, c.StringSlice("cap"))
	for _, gid := range c.IntSlice("additional-gids") {
		if gid < 0 || gid > math.MaxUint32 {
			return nil, fmt.Errorf("--additional-gids %d: not the number of a group", gid)
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

// addCapabilities adds to the sets that hold for a program: not to the
// inheritable one, nor to the ambient one that hangs on it.
func addCapabilities(p *specs.Process, names []string) {
	if len(names) == 0 {
		return
	}
	sum := specs.LinuxCapabilities{}
	if p.Capabilities != nil {
		sum = *p.Capabilities
	}
	for _, set := range []*[]string{&sum.Bounding, &sum.Effective, &sum.Permitted} {
		for _, name := range names {
			if !slices.Contains(*set, name) {
				*set = append(slices.Clip(*set), name)
			}
		}
	}
	p.Capabilities = &sum
}

// setUser reads UID[:GID]. A number is never looked up as a name.
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
			return hint.New(fmt.Errorf("--user %q: not UID[:GID]", text), "numbers only: names are the image's")
		}
		*[]*uint32{&u.UID, &u.GID}[i] = uint32(n)
	}
	return nil
}

// below is the one cgroup v2 path of --cgroup; runc allows controllers in front
// of it for version 1.
func below(paths []string) (string, error) {
	if len(paths) == 0 {
		return "", nil
	}
	if len(paths) > 1 || strings.Contains(paths[0], ":") {
		return "", errors.New("--cgroup: want one path; controllers of their own are cgroup v1's")
	}
	return paths[0], nil
}
