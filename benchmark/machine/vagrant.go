package machine

// Vagrant makes a machine from a description, the Vagrantfile, and leaves the work
// to a provider: here libvirt, which starts QEMU. It copies nothing, since the
// machine's image names the box, as in disk.go; it waits until the machine has an
// address and answers ssh.
//
// When the command returns, the workload, a service of the machine, has been up
// for some seconds. It is asked only then, since only then a person knows the
// address. Nothing is provisioned. scripts/bench-libvirt asks libvirt.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/internal/owned"
)

// vagrant is the target "vagrant up".
type vagrant struct {
	base
	stop func() error // libvirt's daemons; nil if they ran before
}

// box is the name that scripts/box gives, machinePrefix begins that of each machine.
const (
	box           = "minictr/debian12"
	machinePrefix = "minictr-bench-"
)

func (v *vagrant) Available() error {
	if err := benchmark.Installed("vagrant", "virsh", emulator()); err != nil {
		return err
	}
	if _, err := os.Stat(boxDir()); err != nil {
		return fmt.Errorf("no box %s in %s: make it with scripts/box, as the same user "+
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

// libvirt runs scripts/bench-libvirt, and returns the words of its output.
func (v *vagrant) libvirt(ctx context.Context, args ...string) ([]string, error) {
	out, err := benchmark.Run(ctx, append([]string{v.script()}, args...)...)
	return strings.Fields(out), err
}

func (v *vagrant) script() string { return filepath.Join(v.setup.Source, "scripts/bench-libvirt") }
func (v *vagrant) before() string { return filepath.Join(v.setup.Scratch, "before") }

// connect starts libvirt's daemons unless they run, and records what exists.
func (v *vagrant) connect(ctx context.Context, s benchmark.Setup) error {
	v.setup = s
	version, err := v.libvirt(ctx, "version")
	if err != nil {
		if os.Getuid() != 0 {
			return errors.New("libvirtd does not run, and only root can start it")
		}
		if err := benchmark.Installed("libvirtd", "virtlogd"); err != nil {
			return err
		}
		if v.stop, err = benchmark.StartDaemon(s.Log, v.script(), "serve", s.Scratch); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		err = benchmark.Poll(ctx, 100*time.Millisecond, func() (err error) {
			version, err = v.libvirt(ctx, "version")
			return err
		})
	}
	if err == nil {
		_, err = v.libvirt(ctx, "record", v.before())
	}
	v.facts.Version = strings.Join(version, " ")
	return err
}

func (v *vagrant) Prepare(ctx context.Context, s benchmark.Setup) error {
	err := errors.Join(v.prepare(ctx, s), sameWorkload(ctx, v.box("workload"), s.Workload))
	if err != nil {
		return err
	}
	qemu := v.facts.Version
	if err := v.connect(ctx, s); err != nil {
		return err
	}
	v.facts.Version += ", QEMU " + qemu + ", box " + box
	versions, _ := filepath.Glob(boxDir() + "/*/*") // VERSION/PROVIDER; scripts/box leaves one
	for _, dir := range versions {
		v.facts.Version += " " + filepath.Base(filepath.Dir(dir))
	}
	return nil
}

// Recover removes machines: each has a directory.
func (v *vagrant) Recover(ctx context.Context, s benchmark.Setup) (err error) {
	defer func() { err = errors.Join(err, v.Close()) }()
	if err := v.connect(ctx, s); err != nil {
		return err
	}
	dirs, err := filepath.Glob(filepath.Join(s.Scratch, machinePrefix+"*"))
	for _, dir := range dirs {
		err = errors.Join(err, v.machine(filepath.Base(dir)).stop())
	}
	return err
}

func (v *vagrant) Disk() (int64, error) {
	volumes, err := v.libvirt(context.Background(), "volumes")
	if err != nil {
		return 0, err
	}
	return benchmark.Usage(append(volumes, boxDir())...)
}

func (v *vagrant) Processes() []int { return v.processes() }

// processes returns those of the daemons, or of a machine; none if it has ended.
func (v *vagrant) processes(machine ...string) (pids []int) {
	words, _ := v.libvirt(context.Background(), append([]string{"processes"}, machine...)...)
	for _, word := range words {
		pid, _ := strconv.Atoi(word)
		pids = append(pids, pid)
	}
	return pids
}

// Close removes what did not exist before, and stops the daemons.
func (v *vagrant) Close() (err error) {
	if _, missing := os.Stat(v.before()); missing == nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err = v.libvirt(ctx, "restore", v.before())
	}
	if v.stop != nil {
		err = errors.Join(err, v.stop())
	}
	return err
}

func (v *vagrant) Start(ctx context.Context) (*benchmark.Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	v.count++
	m := v.machine(fmt.Sprint(machinePrefix, v.count))
	if err := os.Mkdir(m.dir, 0o755); err != nil {
		return nil, err
	}
	if err := m.up(ctx); err != nil {
		return nil, errors.Join(err, m.stop())
	}
	m.Processes, m.Stop = func() []int { return v.processes(m.name) }, m.stop
	return &m.Instance, nil
}

// vagrantMachine has a directory for what Vagrant knows of it.
type vagrantMachine struct {
	benchmark.Instance
	target    *vagrant
	name, dir string
}

func (v *vagrant) machine(name string) *vagrantMachine {
	return &vagrantMachine{target: v, name: name, dir: filepath.Join(v.setup.Scratch, name)}
}

func (m *vagrantMachine) vagrant(ctx context.Context, args ...string) (string, error) {
	cmd, err := benchmark.NewCommand(ctx, append([]string{"vagrant"}, args...)...)
	if err != nil {
		return "", err
	}
	cmd.Dir = m.target.setup.Source
	cmd.Env = append(os.Environ(), "VAGRANT_DOTFILE_PATH="+filepath.Join(m.dir, "vagrant"), "VAGRANT_BOX="+box,
		"VM_NAME="+m.name, "VM_ACCEL="+m.target.accel, "VM_CONSOLE="+m.console(), "VM_MEMORY="+machineMemory)
	return cmd.Output((*benchmark.Command).Start)
}

func (m *vagrantMachine) console() string { return filepath.Join(m.dir, "console") }

// up starts the machine, and returns when the workload has answered. The console's
// file is created when QEMU is started.
func (m *vagrantMachine) up(ctx context.Context) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	console, err := follow(reading, m.console())
	if err != nil {
		return err
	}

	// the command, and what the console says of the time until it returned
	clock := benchmark.StartClock()
	out, err := m.vagrant(ctx, "up", "--provider", "libvirt", "--no-provision")
	if err != nil {
		return fmt.Errorf("%w\n%s\n%s", err, out, console.tail())
	}
	returned := time.Now()
	err = console.clock(ctx, clock, [2]string{"Vagrant, libvirt", created}, [2]string{firmware, userSpace},
		[2]string{"user space", services})
	if err != nil {
		return err
	}
	clock.Mark("ssh", returned)

	// the answer
	host := regexp.MustCompile(`SSH address: (\S+):22`).FindStringSubmatch(out)
	if host == nil {
		return fmt.Errorf("vagrant up: no address in its output\n%s", out)
	}
	m.Address = fmt.Sprintf("tcp:%s:%d", host[1], workloadPort)
	m.Phases, m.Answer, err = ask(ctx, clock, m.Address)
	return err
}

func (m *vagrantMachine) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_, destroyed := m.vagrant(ctx, "destroy", "--force")
	if _, err := m.target.libvirt(ctx, "forget", m.name); err != nil {
		return errors.Join(destroyed, err)
	}
	return owned.RemoveAll(m.dir)
}
