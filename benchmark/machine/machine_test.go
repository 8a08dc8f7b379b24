package machine_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/benchmark/machine"
)

// built is this source, with a workload.
func built(t *testing.T) benchmark.Setup {
	t.Helper()
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	workload := filepath.Join(t.TempDir(), "workload")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", workload, "../workload")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return benchmark.Setup{Source: source, Workload: workload, Log: t.Output()}
}

// The smallest machine answers, tells its phases, works, and is gone afterwards.
// MACHINES=all asks that of the others too: it takes minutes.
func TestMachineServes(t *testing.T) {
	setup := built(t)
	for n, target := range machine.Targets() {
		t.Run(target.Name(), func(t *testing.T) {
			if n > 0 && os.Getenv("MACHINES") != "all" {
				t.Skip("only with MACHINES=all")
			}
			if err := target.Available(); err != nil {
				t.Skip(err)
			}
			s := setup
			s.Scratch = t.TempDir()
			serve(t, target, s)
		})
	}
}

func serve(t *testing.T, target benchmark.Target, s benchmark.Setup) {
	ctx := t.Context()
	defer func() {
		if err := target.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := target.Prepare(ctx, s); err != nil {
		t.Fatal(err)
	}
	t.Log("version", target.Version(), "emulated", target.Emulated(), "daemons", target.Processes())
	i, err := target.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	check(t, i)
	work(t, ctx, i)
	if used, err := target.Disk(); err != nil || used < 1<<20 {
		t.Errorf("%d bytes of disk, %v", used, err)
	}
	pids := i.Processes()
	if err := i.Stop(); err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil {
			t.Errorf("process %d is still there", pid)
		}
	}
}

// check: the machine has a kernel and memory of its own, and each phase took
// its time.
func check(t *testing.T, i benchmark.Instance) {
	t.Log(i.Phases(), i.Answer())
	host, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	a := i.Answer()
	if a.Kernel == "" || a.Kernel == strings.TrimSpace(string(host)) || a.MemoryKiB < 32<<10 || a.MemoryKiB > 1<<20 {
		t.Errorf("the workload answered %+v", a)
	}
	for _, p := range i.Phases() {
		if p.Took <= 0 {
			t.Errorf("the phase %q took %v", p.Name, p.Took)
		}
	}
	if len(i.Processes()) == 0 {
		t.Error("nothing serves it")
	}
}

// work: what is run inside says what it said, and whether it failed.
func work(t *testing.T, ctx context.Context, i benchmark.Instance) {
	var out bytes.Buffer
	if err := i.Run(ctx, &out, benchmark.Workload, "calls", "0.05"); err != nil {
		t.Error(err)
	} else if n, err := strconv.ParseFloat(strings.TrimSpace(out.String()), 64); err != nil || n <= 0 {
		t.Errorf("the work inside printed %q", out.String())
	}
	out.Reset()
	if err := i.Run(ctx, &out, "/bin/busybox", "echo", "it's", "two  words; and no more"); err != nil || out.String() != "it's two  words; and no more\n" {
		t.Errorf("echo printed %q, %v", out.String(), err)
	}
	if err := i.Run(ctx, &out, "/bin/busybox", "false"); err == nil {
		t.Error("false has succeeded")
	}
}
