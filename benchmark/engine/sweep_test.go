package engine_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/benchmark/engine"
	"golang.org/x/sys/unix"
)

// A benchmark that is killed leaves containers. The next one, which knows nothing
// but the scratch folder, removes them, with mounts and states.
func TestSweep(t *testing.T) {
	setup := built(t)
	for n, killed := range engine.Targets() {
		next, ok := engine.Targets()[n].(benchmark.Sweeper)
		if !ok || killed.Kind() != benchmark.Container {
			continue
		}
		t.Run(killed.Name(), func(t *testing.T) {
			if err := killed.Available(); err != nil {
				t.Skip(err)
			}
			s := setup
			s.Scratch, _ = os.MkdirTemp("", "bench")
			defer os.RemoveAll(s.Scratch)
			if err := killed.Prepare(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			i, err := killed.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pids := i.Processes()
			if daemons := killed.Processes(); len(daemons) > 0 { // as the kernel does when we die
				if err := unix.Kill(daemons[0], unix.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			if err := next.Sweep(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(20 * time.Second); slices.ContainsFunc(pids, alive); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("of processes %v some are still there", pids)
				}
			}
			if mounts, err := os.ReadFile("/proc/self/mountinfo"); err != nil || strings.Contains(string(mounts), s.Scratch+"/") {
				t.Errorf("%v, there are mounts in %s", err, s.Scratch)
			}
			if states, _ := filepath.Glob("/run/*" + filepath.Base(s.Scratch) + "*"); len(states) > 0 {
				t.Errorf("there is still %v", states)
			}
		})
	}
}

// alive is whether there is such a process, and it is no zombie.
func alive(pid int) bool {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest != "" && rest[0] != 'Z'
}
