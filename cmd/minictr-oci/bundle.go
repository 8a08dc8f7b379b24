package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

// create and run share this file: they open a bundle and create its process.

var bundleFlags = []cli.Flag{
	&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Value: ".", Usage: "`DIR` directory of the bundle"},
	&cli.StringFlag{
		Name: "config", Aliases: []string{"f"}, Value: "config.json",
		Usage: "`FILE` path of the config in the bundle",
	},
	consoleSocketFlag, pidFileFlag, pidfdSocketFlag, preserveFdsFlag,
	&cli.BoolFlag{Name: "no-pivot", Usage: "change the root with chroot(2), for a host in its initramfs"},
	&cli.BoolFlag{Name: "no-new-keyring", Usage: "keep the caller's session keyring"},
}

var (
	consoleSocketFlag = &cli.StringFlag{
		Name: "console-socket", Usage: "`PATH` send the terminal's host end to a UNIX socket",
	}
	pidFileFlag     = &cli.StringFlag{Name: "pid-file", Usage: "`FILE` write the process ID to a file"}
	pidfdSocketFlag = &cli.StringFlag{
		Name: "pidfd-socket", Usage: "`PATH` send a pidfd of the process to a UNIX socket",
	}
	preserveFdsFlag = &cli.IntFlag{
		Name: "preserve-fds", Usage: "`NUMBER` pass more file descriptors, from 3 on",
	}
)

// bundle is an OCI bundle and the container to be created from it.
type bundle struct {
	root      string // of the state of containers
	container *state.Dir
	spec      *specs.Spec
	options   runtime.ProcessOptions
}

// open reads the bundle and, at the same time, creates the state directory of the
// container.
func open(c *cli.Context) (*bundle, error) {
	id, err := containerID(c)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(c.String("bundle"))
	if err != nil {
		return nil, err
	}
	// Read the config once: both halves below use the same bytes.
	config := c.String("config")
	if !filepath.IsAbs(config) {
		config = filepath.Join(dir, config)
	}
	data, err := runtime.ConfigFile(config)
	if err != nil {
		return nil, err
	}
	b := &bundle{root: c.String("root")}
	// Parse it in a goroutine, beside the directory.
	read := make(chan error)
	go func() {
		var err error
		b.spec, err = runtime.ParseConfig(data, dir)
		read <- err
	}()
	err = b.makeDir(c, id, dir, data)
	if err := errors.Join(<-read, err); err != nil {
		return nil, b.remove(err)
	}
	if err := runtime.ReadMappings(b.spec); err != nil {
		return nil, b.remove(err)
	}
	if err := errors.Join(b.setCgroup(cgroupManager(c), id), b.setServiceEnv()); err != nil {
		return nil, b.remove(err)
	}
	return b, nil
}

func (b *bundle) makeDir(c *cli.Context, id, dir string, config []byte) (err error) {
	if b.options, err = processOptions(c); err != nil {
		return err
	}
	b.options.Trace = log.debugSteps(phaseRun)
	b.options.NoPivot, b.options.KeepKeyring = c.Bool("no-pivot"), c.Bool("no-new-keyring")
	if b.options.NoPivot {
		if b.options.HostProcfs, err = runtime.HostProcfs(); err != nil {
			return err
		}
	}
	if b.container, err = state.New(b.root, id); err != nil {
		return err
	}
	b.container.Record.Bundle = dir
	return b.container.SaveConfig(config)
}

// create creates the container.
func (b *bundle) create() (*runtime.Process, error) {
	process, err := runtime.Create(b.container, b.spec, b.options)
	if err != nil {
		return nil, b.remove(withProgram(err, b.spec.Process))
	}
	return process, nil
}

// processOptions returns the options of a process that the flags set.
func processOptions(c *cli.Context) (t runtime.ProcessOptions, err error) {
	t.PidFile, t.ConsoleSocket, t.Warn = c.String("pid-file"), c.String("console-socket"), warn
	t.PidfdSocket = c.String("pidfd-socket")
	t.Held = t.PidFile != "" || t.ConsoleSocket != "" || t.PidfdSocket != "" // until they have it
	if t.PreserveFds, err = preserved(c.Int("preserve-fds")); err != nil {
		return t, err
	}
	if err = setMount(&t, cgroupManager(c)); err != nil {
		return t, err
	}
	if t.Permitted, err = runtime.Permitted(); err != nil {
		return t, err
	}
	t.OpenFiles, err = runtime.OpenFiles()
	return t, err
}

// preserved returns how many descriptors a process inherits: n, and those that systemd
// passes. A number of them that is not open passes nothing: those that minictr-oci opens
// itself are closed at execve(2).
func preserved(n int) (int, error) {
	listen, err := listenFds()
	if n < 0 {
		err = errors.Join(err, fmt.Errorf("--preserve-fds %d: negative", n))
	}
	return n + listen, err
}

// connect connects a process to our standard streams. A process that outlives us
// inherits them, and streams is nil.
func connect(t *runtime.ProcessOptions, process *specs.Process, spec *specs.Spec) (*stdio.Streams, error) {
	var uidMappings []specs.LinuxIDMapping
	if spec.Linux != nil {
		uidMappings = spec.Linux.UIDMappings
	}
	if process == nil {
		process = &specs.Process{}
	}
	// A terminal needs a reader of its host end: us, or the receiver of the socket.
	if t.ConsoleSocket != "" && !process.Terminal {
		return nil, errors.New("--console-socket: needs process.terminal")
	}
	if t.Outlive && process.Terminal && t.ConsoleSocket == "" {
		return nil, errors.New("process.terminal: needs --console-socket")
	}
	uid, err := compile.HostID(process.User.UID, uidMappings)
	if err != nil {
		return nil, err
	}
	// Inherit our streams, or connect pipes and a terminal to them.
	if t.Outlive || t.ConsoleSocket != "" {
		t.Null, err = stdio.Inherit(uid)
		return nil, err
	}
	streams, err := stdio.Open([3]bool{true, true, true}, process.Terminal, uid)
	if err != nil {
		return nil, err
	}
	stdio.SetConsoleSize(process)
	t.PlainNewlines = !stdio.IsTerminal(os.Stdout) // as runc
	t.Connect(streams)
	return streams, nil
}

// attend copies a process's output and forwards signals until it exits, and returns its
// exit code.
func attend(process *runtime.Process, streams *stdio.Streams, signals *runtime.Signals) (int, error) {
	if err := process.Attach(streams, true, signals); err != nil {
		return 0, err
	}
	code, err := process.Wait()
	if streams != nil {
		err = errors.Join(err, streams.Ended())
	}
	return code, errors.Join(err, process.Close())
}
