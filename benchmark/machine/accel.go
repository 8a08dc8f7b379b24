package machine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/benchmark"
)

// accel is kvm if the processor can run machines itself, else tcg: QEMU's
// translator. scripts/vm has found it out by trying, or does it now, and keeps
// the answer until the next boot; VM_ACCEL answers before.
func accel(ctx context.Context, s benchmark.Setup) (string, error) {
	if answer := os.Getenv("VM_ACCEL"); answer != "" {
		return answer, nil
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}
	for range 2 {
		text, _ := os.ReadFile(filepath.Join(s.Source, "bin/vm/accel"))
		if words := strings.Fields(string(text)); len(words) == 2 && words[0] == strings.TrimSpace(string(boot)) {
			return words[1], nil
		}
		if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err != nil {
			return "tcg", nil
		} else {
			f.Close()
		}
		if err := do(exec.CommandContext(ctx, filepath.Join(s.Source, "scripts/vm"), "true"), s.Log); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("scripts/vm has not told whether KVM works")
}
