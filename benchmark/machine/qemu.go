package machine

// A machine is a process: QEMU, whose memory holds the machine's memory, and one
// of whose threads is its CPU. With KVM that thread enters the guest, whose
// instructions the CPU executes itself, until one of them needs the outside: a
// device, an interrupt. Without it ("TCG") QEMU translates each piece of the
// guest's program when it is first reached, and keeps the translation.
//
// Devices are QEMU's own code. The fewer there are, the sooner the guest's kernel
// has found them all; virtio devices are made for guests that know where they are.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
	"golang.org/x/sys/unix"
)

func emulator() string { return perArch("qemu-system-x86_64", "qemu-system-aarch64") }

// version returns QEMU's: "7.2.22".
func version() string {
	out, err := exec.Command(emulator(), "--version").Output()
	if err != nil {
		return err.Error()
	}
	words := strings.Fields(string(out))
	return words[min(3, len(words)-1)]
}

// model of a machine.
type model struct {
	board  string // QEMU's name of the mainboard
	memory int    // MiB
	accel  string
	cache  int      // MiB for translated instructions; by default, up to 1 GiB
	shell  int      // the port inside for commands
	phase  string   // that ends when user space begins
	args   []string // more devices
}

// qemu is a running machine.
type qemu struct {
	benchmark.Instance
	cmd     *benchmark.Command
	console *console
	shell   int // the port of this computer for commands
}

// boot starts a machine, and returns when the workload has answered.
func (m model) boot(ctx context.Context, clock *benchmark.Clock) (_ *qemu, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	q := &qemu{console: newConsole(), shell: ports[1]}
	up, err := q.start(ctx, m, ports)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, q.stop())
		}
	}()
	clock.Mark("QEMU", up)
	if err := q.console.clock(ctx, clock, m.phase); err != nil {
		return nil, err
	}
	answer, first, err := benchmark.AskUntil(ctx, local(ports[0]))
	if err != nil {
		return nil, err
	}
	clock.Mark("first byte", first)
	q.Instance = benchmark.Instance{Phases: clock.Phases, Answer: answer, Stop: q.stop,
		Processes: func() []int { return []int{q.cmd.Process.Pid} }}
	return q, nil
}

// start runs QEMU, and returns when the guest's first instruction was executed.
// The machine has no devices but a serial port, a network card and those of m.args.
// The network behind the card is QEMU's own (qemu(1), -netdev user): it needs no
// privileges, and leaves nothing.
func (q *qemu) start(ctx context.Context, m model, ports []int) (up time.Time, err error) {
	processor := []string{"-accel", "kvm", "-cpu", "host"}
	if m.accel != "kvm" {
		processor = []string{"-accel", fmt.Sprintf("tcg,tb-size=%d", m.cache), "-cpu", perArch("qemu64", "cortex-a72")}
	}
	forward := fmt.Sprintf("user,id=net,hostfwd=tcp:127.0.0.1:%d-:%d,hostfwd=tcp:127.0.0.1:%d-:%d",
		ports[0], workloadPort, ports[1], m.shell)
	args := append([]string{emulator(), "-M", m.board, "-m", strconv.Itoa(m.memory), "-smp", "1",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
		"-chardev", "socket,id=monitor,fd=3", "-mon", "chardev=monitor,mode=control",
		"-netdev", forward, "-device", "virtio-net-pci,romfile=,netdev=net"}, processor...)

	// a machine outlives the timeout of its start
	q.cmd, err = benchmark.NewCommand(context.Background(), append(args, m.args...)...)
	if err != nil {
		return up, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return up, os.NewSyscallError("socketpair", err)
	}
	unix.SetNonblock(pair[1], true) // so that a deadline can end a read
	qemuEnd, monitor := os.NewFile(uintptr(pair[0]), "monitor"), os.NewFile(uintptr(pair[1]), "monitor")
	defer monitor.Close()
	q.cmd.ExtraFiles = []*os.File{qemuEnd}
	out, err := q.cmd.StdoutPipe()
	if err != nil {
		return up, err
	}
	q.cmd.Stderr = q.cmd.Stdout
	err = q.cmd.Start()
	qemuEnd.Close()
	if err != nil {
		return up, err
	}
	go q.console.read(out)
	if up, err = running(ctx, monitor); err != nil {
		err = errors.Join(fmt.Errorf("start QEMU: %w\n%s", err, q.console.tail()), q.stop())
	}
	return up, err
}

// running sends the monitor a command that changes nothing (docs/interop/
// qmp-spec.txt). QEMU greets early, but executes commands only when the machine runs.
func running(ctx context.Context, monitor *os.File) (time.Time, error) {
	stop := context.AfterFunc(ctx, func() { monitor.SetReadDeadline(time.Now()) })
	defer stop()
	if _, err := monitor.WriteString("{\"execute\": \"qmp_capabilities\"}\n"); err != nil {
		return time.Time{}, err
	}
	lines := bufio.NewReader(monitor)
	for range 2 { // the greeting, the answer
		if _, err := lines.ReadString('\n'); err != nil {
			return time.Time{}, err
		}
	}
	return time.Now(), nil
}

// stop switches the machine off, without a shutdown.
func (q *qemu) stop() error {
	if err := q.cmd.Process.Kill(); err != nil {
		return err
	}
	<-q.console.ended
	q.cmd.Wait() // its error: it was killed
	return nil
}
