package machine

// A machine is a process: QEMU, whose memory holds the machine's memory, and one
// of whose threads is its processor. With KVM that thread enters the guest, whose
// instructions the real processor carries out itself, until one of them wants
// something of the outside: a device, an interrupt. Without it ("TCG") QEMU
// translates each piece of the guest's program the first time that it is reached,
// and keeps the translation.
//
// Devices are QEMU's own code. The fewer there are, the sooner the guest's kernel
// has found them all; those named virtio are made for guests that know where they
// are.

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
	"golang.org/x/sys/unix"
)

// qemu is a running machine.
type qemu struct {
	cmd     *exec.Cmd
	console *console
	up      time.Time // the guest's first instruction
}

// startQEMU starts a machine without devices but a serial port, a network card
// and those that are given by more. Behind the card QEMU itself is the network
// (qemu(1), -netdev user): no privileges are needed, and nothing is left behind.
// ports are, for ports inside, those of this computer that lead there.
func startQEMU(ctx context.Context, m model, ports map[int]int, more ...string) (*qemu, error) {
	forward := "user,id=net"
	for inside, here := range ports {
		forward += fmt.Sprintf(",hostfwd=tcp:127.0.0.1:%d-:%d", here, inside)
	}
	args := append([]string{"-M", m.board, "-m", strconv.Itoa(m.memory), "-smp", "1",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
		"-chardev", "socket,id=monitor,fd=3", "-mon", "chardev=monitor,mode=control",
		"-netdev", forward, "-device", "virtio-net-pci,romfile=,netdev=net"}, m.processor()...)

	theirs, ours, err := monitor()
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	q := &qemu{cmd: exec.Command(emulator(), append(args, more...)...), console: newConsole()}
	q.cmd.ExtraFiles = []*os.File{theirs}
	q.cmd.SysProcAttr = benchmark.Tied()
	out, err := q.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	q.cmd.Stderr = q.cmd.Stdout
	err = q.cmd.Start()
	theirs.Close()
	if err != nil {
		return nil, err
	}
	go q.console.read(out)
	if q.up, err = running(ctx, ours); err != nil {
		err = fmt.Errorf("start QEMU: %w\n%s", err, q.console.said())
		return nil, end(err, q.stop)
	}
	return q, nil
}

// model of a machine.
type model struct {
	board  string // as QEMU names mainboards
	memory int    // MiB
	accel  string // kvm, or tcg: each instruction is translated
	cache  int    // MiB for translated instructions, which would grow to 1 GiB
}

func (m model) processor() []string {
	if m.accel == "kvm" {
		return []string{"-accel", "kvm", "-cpu", "host"}
	}
	cpu := map[string]string{"amd64": "qemu64", "arm64": "cortex-a72"}[runtime.GOARCH]
	return []string{"-accel", fmt.Sprintf("tcg,tb-size=%d", m.cache), "-cpu", cpu}
}

// monitor is the connection on which QEMU takes orders (docs/interop/
// qmp-spec.txt).
func monitor() (theirs, ours *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	if err := unix.SetNonblock(pair[1], true); err != nil { // so that a deadline can end a read
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(pair[0]), "monitor"), os.NewFile(uintptr(pair[1]), "monitor"), nil
}

// running gives the first order, which changes nothing. QEMU greets early, but
// follows orders only from when the machine runs.
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

// stop switches the machine off. Nobody is asked.
func (q *qemu) stop() error {
	if err := q.cmd.Process.Kill(); err != nil {
		return err
	}
	<-q.console.ended
	q.cmd.Wait() // it was killed: that is no news
	return nil
}

func (q *qemu) processes() []int { return []int{q.cmd.Process.Pid} }

// version of QEMU: "7.2.22".
func version() string {
	out, err := exec.Command(emulator(), "--version").Output()
	if err != nil {
		return err.Error()
	}
	words := strings.Fields(string(out))
	return words[min(3, len(words)-1)]
}
