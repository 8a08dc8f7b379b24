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
	"slices"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
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

// qemu is a running machine.
type qemu struct {
	benchmark.Instance
	cmd     *benchmark.Command
	console *console
}

// boot starts a machine, and returns when the workload has answered. first is the
// phase that ends when user space begins, cache the MiB that QEMU may keep of
// translated instructions (by default, up to 1 GiB), args more of its options.
//
// The machine has no devices but a serial port, a network card and those of args.
// The network behind the card is QEMU's own (qemu(1), -netdev user): it needs no
// privileges, and leaves nothing.
func (b *base) boot(ctx context.Context, clock *benchmark.Clock, first string, cache int, args ...string) (
	_ *benchmark.Instance, err error,
) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	processor := []string{"-accel", "kvm", "-cpu", "host"}
	if b.accel != "kvm" {
		processor = []string{"-accel", fmt.Sprintf("tcg,tb-size=%d", cache), "-cpu", perArch("qemu64", "cortex-a72")}
	}
	forward := fmt.Sprintf("user,id=net,hostfwd=tcp:127.0.0.1:%d-:%d", port, workloadPort)
	argv := slices.Concat([]string{emulator(), "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none",
		"-no-reboot", "-qmp", "stdio", "-serial", "file:/dev/fd/3",
		"-netdev", forward, "-device", "virtio-net-pci,romfile=,netdev=net"}, processor, args)

	// a machine outlives the timeout of its start
	q := new(qemu)
	if q.cmd, err = benchmark.NewCommand(context.Background(), argv...); err != nil {
		return nil, err
	}
	up, err := q.start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, q.stop())
		}
	}()
	clock.Mark("QEMU", up)
	if err := q.console.clock(ctx, clock, [2]string{first, userSpace}, [2]string{"user space", services}); err != nil {
		return nil, err
	}
	q.Address = fmt.Sprintf("tcp:127.0.0.1:%d", port)
	q.Processes, q.Stop = func() []int { return []int{q.cmd.Process.Pid} }, q.stop
	q.Phases, q.Answer, err = ask(ctx, clock, q.Address)
	return &q.Instance, err
}

// start runs QEMU, and returns when the guest's first instruction was executed:
// QEMU greets early on its monitor (docs/interop/qmp-spec.txt), but executes
// commands only when the machine runs. This one changes nothing.
func (q *qemu) start(ctx context.Context) (up time.Time, err error) {
	serial, guest, err := os.Pipe()
	if err != nil {
		return up, err
	}
	q.cmd.ExtraFiles, q.cmd.Stderr = []*os.File{guest}, guest
	in, errIn := q.cmd.StdinPipe()
	out, errOut := q.cmd.StdoutPipe()
	err = errors.Join(errIn, errOut, q.cmd.Start())
	guest.Close()
	q.console = newConsole(serial)
	if err != nil {
		return up, err
	}
	defer context.AfterFunc(ctx, func() { q.cmd.Process.Kill() })()
	_, err = in.Write([]byte("{\"execute\": \"qmp_capabilities\"}\n"))
	monitor := bufio.NewReader(out)
	for range 2 { // the greeting, the answer
		if err == nil {
			_, err = monitor.ReadString('\n')
		}
	}
	up = time.Now()
	if err != nil {
		q.stop()
		err = fmt.Errorf("start QEMU: %w\n%s", err, q.console.tail())
	}
	return up, err
}

// stop switches the machine off, without a shutdown.
func (q *qemu) stop() error {
	err := q.cmd.Process.Kill()
	q.console.drain()
	q.cmd.Wait() // its error: it was killed
	return err
}
