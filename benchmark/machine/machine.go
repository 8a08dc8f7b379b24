// Package machine has the targets with a kernel of their own, from the smallest
// machine to what a person uses every day:
//
//	QEMU initramfs    a kernel, and a file system of three programs in memory
//	QEMU disk         the disk of the box: firmware, boot loader, systemd
//	vagrant up         the same disk, by Vagrant and libvirt
//
// The workload answers in each on a port, and the machine tells on its serial
// console how far it has come: a line "mark: NAME" ends a phase. The clock that
// is read is the host's, when the line arrives.
package machine

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// The ports inside: of the workload, and for commands.
const (
	workloadPort = 8000
	shellPort    = 8001
	sshPort      = 22
)

// The marks on the console.
const (
	userSpace = "user space" // the first process begins
	services  = "services"   // the workload is about to be started
)

// patience with a machine, which may have to boot in software.
const patience = 5 * time.Minute

// Targets are those of this package.
func Targets() []benchmark.Target {
	return []benchmark.Target{&direct{}, &disk{}, &vagrant{}}
}

// emulator is QEMU's program for a machine like this one.
func emulator() string {
	return map[string]string{"amd64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}[runtime.GOARCH]
}

func installed(programs ...string) error {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed", program)
		}
	}
	return nil
}

// freePorts of this computer. Nobody keeps them free, but the kernel takes its
// time before it gives the same one again.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// absolute folders: QEMU and libvirt have another working directory.
func absolute(s benchmark.Setup) (benchmark.Setup, error) {
	var errs [3]error
	s.Source, errs[0] = filepath.Abs(s.Source)
	s.Scratch, errs[1] = filepath.Abs(s.Scratch)
	s.Workload, errs[2] = filepath.Abs(s.Workload)
	return s, errors.Join(errs[:]...)
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// end what has failed, too.
func end(err error, stop func() error) error { return errors.Join(err, stop()) }
