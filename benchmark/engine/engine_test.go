package engine_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/benchmark/engine"
)

// built has the two programs that all of it needs.
func built(t *testing.T) benchmark.Setup {
	t.Helper()
	dir := t.TempDir()
	for name, pkg := range map[string]string{"minictr": "../../cmd/minictr", "workload": "../workload"} {
		cmd := exec.Command("go", "build", "-tags", "urfave_cli_no_docs", "-o", filepath.Join(dir, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	return benchmark.Setup{Minictr: filepath.Join(dir, "minictr"), Workload: filepath.Join(dir, "workload"), Log: io.Discard}
}

// Each engine that is there serves two instances at once, which answer, work,
// and are gone afterwards.
func TestEnginesServe(t *testing.T) {
	setup := built(t)
	for _, target := range engine.Targets() {
		t.Run(target.Name(), func(t *testing.T) {
			if err := target.Available(); err != nil {
				t.Skip(err)
			}
			s := setup
			s.Scratch, _ = os.MkdirTemp("", "bench")
			defer os.RemoveAll(s.Scratch)
			serveTwo(t, target, s)
		})
	}
}

func serveTwo(t *testing.T, target benchmark.Target, s benchmark.Setup) {
	ctx := context.Background()
	defer func() {
		if err := target.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := target.Prepare(ctx, s); err != nil {
		t.Fatal(err)
	}
	t.Log("version", target.Version(), "daemons", target.Processes())
	explain(t, target)
	var running [2]benchmark.Instance
	for i := range running {
		var err error
		if running[i], err = target.Start(ctx); err != nil {
			t.Fatal(err)
		}
		defer func() {
			pids := running[i].Processes()
			if err := running[i].Stop(); err != nil {
				t.Error(err)
			}
			if left := running[i].Processes(); len(left) > 0 && target.Kind() == benchmark.Container || len(pids) == 0 {
				t.Errorf("it had processes %v; after Stop, %v are there", pids, left)
			}
		}()
		t.Log(running[i].Phases(), running[i].Answer(), running[i].Processes(), running[i].Cgroup())
	}
	if n := running[1].Answer().Processes; target.Kind() == benchmark.Container && n != 1 {
		t.Errorf("the workload sees %d processes, not itself alone", n)
	}
	if disk, err := target.Disk(); err != nil || disk < 1<<20 {
		t.Errorf("disk: %d bytes, %v", disk, err)
	} else {
		t.Log("disk", disk)
	}
	var out bytes.Buffer
	if err := running[1].Run(ctx, &out, benchmark.Workload, "calls", "0.05"); err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(strings.TrimSpace(out.String())); err != nil || n < 1 {
		t.Errorf("the work done in it: %q", out.String())
	}
}

func explain(t *testing.T, target benchmark.Target) {
	explainer, ok := target.(benchmark.Explainer)
	if !ok {
		return
	}
	phases, err := explainer.Explain(t.Context())
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range phases {
		names = append(names, p.Name)
	}
	if got, want := strings.Join(names, ", "), "the engine itself, cgroup, mount, clone, pivot, exec, first byte"; got != want {
		t.Errorf("phases: %s; want %s", got, want)
	}
	t.Log(phases)
}
