package machine

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// workloadPort is the workload's inside.
const workloadPort = 8000

// timeout of a machine, which may have to boot in software.
const timeout = 5 * time.Minute

// Targets returns those of this package.
func Targets() []benchmark.Target {
	named := func(name string) base { return base{facts: benchmark.Facts{Name: name, Kind: benchmark.Machine}} }
	return []benchmark.Target{
		&initramfs{base: named("QEMU initramfs")},
		&disk{named("QEMU disk")},
		&vagrant{base: named("vagrant up")},
	}
}

// base is what the targets share.
type base struct {
	facts benchmark.Facts
	setup benchmark.Setup
	accel string // kvm, or tcg: software emulation
	count int    // of machines
}

func (b *base) Facts() benchmark.Facts { return b.facts }
func (b *base) Processes() []int       { return nil }
func (b *base) Close() error           { return nil }

func (b *base) prepare(ctx context.Context, s benchmark.Setup) (err error) {
	b.setup = s
	b.accel, err = accelerator(ctx, s)
	b.facts.Version, b.facts.Emulated = version(), b.accel != "kvm"
	return err
}

// accelerator returns kvm if the CPU can run machines itself, else tcg. scripts/vm
// finds out by trying, and keeps the answer until the next boot; VM_ACCEL overrides it.
func accelerator(ctx context.Context, s benchmark.Setup) (string, error) {
	if accel := os.Getenv("VM_ACCEL"); accel != "" {
		return accel, nil
	}
	accel, err := benchmark.Run(ctx, filepath.Join(s.Source, "scripts/vm"), "--accel")
	return strings.TrimSpace(accel), err
}

// freePort returns a port of this computer. It is not reserved, but the kernel does
// not give the same one again soon.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ask ends the last phase: the workload listens, and answers.
func ask(ctx context.Context, clock *benchmark.Clock, address string) ([]benchmark.Phase, benchmark.Answer, error) {
	answer, first, err := benchmark.AskUntil(ctx, address)
	clock.Mark("first byte", first)
	return clock.Phases, answer, err
}

// perArch returns the word for this CPU.
func perArch(amd64, arm64 string) string {
	return map[string]string{"amd64": amd64, "arm64": arm64}[runtime.GOARCH]
}
