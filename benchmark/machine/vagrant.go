package machine

// Vagrant makes a machine from a description, the Vagrantfile, and leaves the work
// to a provider: here libvirt, which starts QEMU. It copies nothing, since the
// machine's image names the box, as in disk.go; it waits until the machine has an
// address and answers ssh.
//
// When the command returns, the workload, a service of the machine, has been up
// for some seconds. It is asked only then, since only then a person knows the
// address. Nothing is provisioned.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// vagrant is the target "vagrant up".
type vagrant struct {
	base
	virt *libvirt
}

// box is the name that scripts/box gives.
const box = "minictr/debian12"

func (v *vagrant) Processes() []int { return v.virt.processes() }

func (v *vagrant) Available() error {
	if err := benchmark.Installed("vagrant", "virsh", emulator(), "ssh"); err != nil {
		return err
	}
	if _, err := os.Stat(boxDir()); err != nil {
		return fmt.Errorf("there is no box %s in %s: scripts/box makes it, called by the same user as this "+
			"(sudo scripts/box)", box, filepath.Dir(boxDir()))
	}
	return nil
}

// boxDir returns where Vagrant keeps the box.
func boxDir() string {
	home := os.Getenv("VAGRANT_HOME")
	if home == "" {
		home = filepath.Join(os.Getenv("HOME"), ".vagrant.d")
	}
	return filepath.Join(home, "boxes", strings.ReplaceAll(box, "/", "-VAGRANTSLASH-"))
}

func (v *vagrant) Prepare(ctx context.Context, s benchmark.Setup) error {
	if err := errors.Join(v.prepare(ctx, s), sameWorkload(v.box("workload"), s.Workload)); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := benchmark.Run(ctx, &out, "vagrant", "--version"); err != nil {
		return err
	}
	var err error
	if v.virt, err = connect(ctx, s); err != nil {
		return err
	}
	versions, _ := filepath.Glob(boxDir() + "/*/*") // VERSION/PROVIDER; scripts/box leaves one
	tool := strings.TrimSpace(strings.TrimPrefix(out.String(), "Vagrant "))
	v.facts.Version = fmt.Sprintf("%s, libvirt %s, QEMU %s, box %s", tool, v.virt.version, v.facts.Version, box)
	for _, dir := range versions {
		v.facts.Version += " " + filepath.Base(filepath.Dir(dir))
	}
	return nil
}

// Recover removes machines: each has a directory.
func (v *vagrant) Recover(ctx context.Context, s benchmark.Setup) (err error) {
	v.setup = s
	if v.virt, err = connect(ctx, s); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	dirs, err := filepath.Glob(filepath.Join(s.Scratch, machinePrefix+"*"))
	for _, dir := range dirs {
		err = errors.Join(err, v.machine(filepath.Base(dir)).stop())
	}
	return err
}

func (v *vagrant) Disk() (int64, error) {
	volumes, err := volumes(context.Background())
	paths := []string{boxDir()}
	for _, path := range volumes {
		paths = append(paths, path)
	}
	if err != nil {
		return 0, err
	}
	return benchmark.Usage(paths...)
}

func (v *vagrant) Close() error {
	if v.virt == nil {
		return nil
	}
	return v.virt.close()
}

func (v *vagrant) Start(ctx context.Context) (*benchmark.Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	v.count++
	m := v.machine(fmt.Sprintf("%s%d", machinePrefix, v.count))
	if err := os.Mkdir(m.dir, 0o755); err != nil {
		return nil, err
	}
	if err := m.up(ctx); err != nil {
		return nil, errors.Join(err, m.stop())
	}
	m.Processes = func() []int { return domain(m.name) }
	m.Run, m.Stop = m.run, m.stop
	return &m.Instance, nil
}

// vagrantMachine has a directory for what Vagrant knows of it.
type vagrantMachine struct {
	benchmark.Instance
	target             *vagrant
	name, dir, address string
}

func (v *vagrant) machine(name string) *vagrantMachine {
	return &vagrantMachine{target: v, name: name, dir: filepath.Join(v.setup.Scratch, name)}
}

func (m *vagrantMachine) vagrant(ctx context.Context, stdout io.Writer, args ...string) error {
	cmd, err := benchmark.NewCommand(ctx, append([]string{"vagrant"}, args...)...)
	if err != nil {
		return err
	}
	cmd.Dir, cmd.Stdout = m.target.setup.Source, stdout
	cmd.Env = append(os.Environ(), "VAGRANT_DOTFILE_PATH="+filepath.Join(m.dir, "vagrant"), "VAGRANT_BOX="+box,
		"VM_NAME="+m.name, "VM_ACCEL="+m.target.accel, "VM_CONSOLE="+m.console(),
		fmt.Sprintf("VM_MEMORY=%d", machineMemory))
	return cmd.Run()
}

func (m *vagrantMachine) console() string { return filepath.Join(m.dir, "console") }

// up starts the machine, and returns when the workload has answered. The console's
// file is created when QEMU is started.
func (m *vagrantMachine) up(ctx context.Context) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	console, created := newConsole(), make(chan time.Time, 1)
	go console.read(&follower{ctx: reading, path: m.console(), created: created})

	// the command, and what the console says of the time until it returned
	var out bytes.Buffer
	clock := benchmark.StartClock()
	if err := m.vagrant(ctx, &out, "up", "--provider", "libvirt", "--no-provision"); err != nil {
		return fmt.Errorf("%w\n%s\n%s", err, out.String(), console.tail())
	}
	returned := time.Now()
	clock.Mark("Vagrant, libvirt", <-created)
	if err := console.clock(ctx, clock, firmware); err != nil {
		return err
	}
	clock.Mark("ssh", returned)

	// the answer
	address := regexp.MustCompile(`SSH address: (\S+):22`).FindSubmatch(out.Bytes())
	if address == nil {
		return fmt.Errorf("vagrant up: no address in its output\n%s", out.String())
	}
	m.address = string(address[1])
	answer, first, err := benchmark.AskUntil(ctx, fmt.Sprintf("%s:%d", m.address, workloadPort))
	if err != nil {
		return err
	}
	clock.Mark("first byte", first)
	m.Phases, m.Answer = clock.Phases, answer
	return nil
}

func (m *vagrantMachine) run(ctx context.Context, stdout io.Writer, argv ...string) error {
	return runBySSH(ctx, m.target.box("key"), m.address, sshPort, stdout, argv)
}

func (m *vagrantMachine) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	destroyed := m.vagrant(ctx, nil, "destroy", "--force")
	if err := forget(ctx, m.name); err != nil {
		return errors.Join(destroyed, err)
	}
	return os.RemoveAll(m.dir)
}
