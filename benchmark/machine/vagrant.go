package machine

// Vagrant makes a machine from a description, the Vagrantfile, and leaves the work
// to a provider: here libvirt, which starts QEMU. It copies nothing, since the
// machine's image names the box, as in disk.go; it waits until the machine has an
// address and answers ssh.
//
// When the command returns, the workload, a service of the machine, is up since
// some seconds. It is asked when the command has returned, since only then a
// person knows the address. Nothing is provisioned.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// vagrant is the target "vagrant up".
type vagrant struct {
	setup benchmark.Setup
	virt  *libvirt
	accel string
	count int
	tool  string // Vagrant's version
}

// box is the name that scripts/box gives.
const box = "minictr/debian12"

func (v *vagrant) Name() string         { return "vagrant up" }
func (v *vagrant) Kind() benchmark.Kind { return benchmark.Machine }
func (v *vagrant) Emulated() bool       { return v.accel != "kvm" }
func (v *vagrant) Processes() []int     { return v.virt.processes() }

func (v *vagrant) Version() string {
	return fmt.Sprintf("%s, libvirt %s, QEMU %s, box %s %s", v.tool, v.virt.version, version(), box, boxVersion())
}

func (v *vagrant) Available() error {
	if err := installed("vagrant", "virsh", emulator(), "ssh"); err != nil {
		return err
	}
	if _, err := os.Stat(boxFolder()); err != nil {
		return fmt.Errorf("there is no box %s in %s: scripts/box makes it, called by the same user as this (sudo scripts/box)", box, filepath.Dir(boxFolder()))
	}
	return nil
}

// boxVersion is the newest that is there; scripts/box leaves one.
func boxVersion() (version string) {
	entries, _ := os.ReadDir(boxFolder())
	for _, entry := range entries {
		if entry.IsDir() {
			version = entry.Name()
		}
	}
	return version
}

// boxFolder is where Vagrant keeps the box.
func boxFolder() string {
	home := os.Getenv("VAGRANT_HOME")
	if home == "" {
		home = filepath.Join(os.Getenv("HOME"), ".vagrant.d")
	}
	return filepath.Join(home, "boxes", strings.ReplaceAll(box, "/", "-VAGRANTSLASH-"))
}

func (v *vagrant) Prepare(ctx context.Context, s benchmark.Setup) (err error) {
	if s, err = absolute(s); err != nil {
		return err
	}
	v.setup = s
	if err := sameWorkload(filepath.Join(s.Source, "bin/box"), s.Workload); err != nil {
		return err
	}
	if v.accel, err = accel(ctx, s); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := do(exec.CommandContext(ctx, "vagrant", "--version"), &out); err != nil {
		return err
	}
	v.tool = strings.TrimSpace(strings.TrimPrefix(out.String(), "Vagrant "))
	v.virt, err = connect(ctx, s)
	return err
}

// Sweep: each machine has a folder.
func (v *vagrant) Sweep(ctx context.Context, s benchmark.Setup) (err error) {
	if v.setup, err = absolute(s); err != nil {
		return err
	}
	if v.virt, err = connect(ctx, v.setup); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	folders, err := filepath.Glob(filepath.Join(v.setup.Scratch, machinePrefix+"*"))
	for _, folder := range folders {
		m := &vagrantMachine{target: v, name: filepath.Base(folder), folder: folder}
		err = errors.Join(err, m.Stop())
	}
	return err
}

func (v *vagrant) Disk() (int64, error) {
	volumes, err := v.virt.volumes()
	if err != nil {
		return 0, err
	}
	return benchmark.Usage(append(volumes, boxFolder())...)
}

func (v *vagrant) Close() error {
	if v.virt == nil {
		return nil
	}
	return v.virt.close()
}

func (v *vagrant) Start(ctx context.Context) (benchmark.Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	v.count++
	i := &vagrantMachine{target: v, name: fmt.Sprintf("%s%d", machinePrefix, v.count)}
	i.folder = filepath.Join(v.setup.Scratch, i.name)
	if err := os.Mkdir(i.folder, 0o755); err != nil {
		return nil, err
	}
	if err := i.up(ctx); err != nil {
		return nil, end(err, i.Stop)
	}
	return i, nil
}

// vagrantMachine is a machine with its folder, in which Vagrant keeps what it
// knows of it.
type vagrantMachine struct {
	target       *vagrant
	name, folder string
	address      string
	phases       []benchmark.Phase
	answer       benchmark.Answer
}

func (m *vagrantMachine) Phases() []benchmark.Phase { return m.phases }
func (m *vagrantMachine) Answer() benchmark.Answer  { return m.answer }
func (m *vagrantMachine) Processes() []int          { return domain(m.name) }
func (m *vagrantMachine) Cgroup() string            { return "" }

func (m *vagrantMachine) vagrant(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "vagrant", args...)
	cmd.Dir = m.target.setup.Source
	cmd.Env = append(os.Environ(), "VAGRANT_DOTFILE_PATH="+filepath.Join(m.folder, "vagrant"), "VAGRANT_BOX="+box,
		"VM_NAME="+m.name, "VM_ACCEL="+m.target.accel, "VM_CONSOLE="+m.console(), fmt.Sprintf("VM_MEMORY=%d", machineMemory))
	return cmd
}

func (m *vagrantMachine) console() string { return filepath.Join(m.folder, "console") }

// up: the file of the console is made when QEMU is started.
func (m *vagrantMachine) up(ctx context.Context) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	console, begun := newConsole(), make(chan time.Time, 1)
	go console.read(&follower{ctx: reading, path: m.console(), begun: begun})

	var out bytes.Buffer
	clock := benchmark.StartClock()
	if err := do(m.vagrant(ctx, "up", "--provider", "libvirt", "--no-provision"), &out); err != nil {
		return fmt.Errorf("%w\n%s\n%s", err, out.String(), console.said())
	}
	ready := time.Now()
	clock.MarkAt("Vagrant, libvirt", <-begun)
	for _, p := range [...][2]string{{firmware, userSpace}, {"user space", services}} {
		at, err := console.wait(ctx, p[1])
		if err != nil {
			return err
		}
		clock.MarkAt(p[0], at)
	}
	clock.MarkAt("ssh", ready)
	address := regexp.MustCompile(`SSH address: (\S+):22`).FindSubmatch(out.Bytes())
	if address == nil {
		return fmt.Errorf("vagrant up does not tell the address\n%s", out.String())
	}
	m.address = string(address[1])
	answer, first, err := benchmark.AskUntil(ctx, "tcp", fmt.Sprintf("%s:%d", m.address, workloadPort))
	if err != nil {
		return err
	}
	clock.MarkAt("first byte", first)
	m.phases, m.answer = clock.Phases(), answer
	return nil
}

func (m *vagrantMachine) Run(ctx context.Context, stdout io.Writer, argv ...string) error {
	return do(sshTo(ctx, filepath.Join(m.target.setup.Source, "bin/box/key"), m.address, sshPort, argv), stdout)
}

func (m *vagrantMachine) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	destroyed := do(m.vagrant(ctx, "destroy", "--force"), nil)
	if err := forget(ctx, m.name); err != nil {
		return errors.Join(destroyed, err)
	}
	return os.RemoveAll(m.folder)
}
