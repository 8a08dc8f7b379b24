package compile

import (
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestDeadlineParameterRefusedByName: the kernel's EINVAL would not tell which parameter of
// SCHED_DEADLINE is wrong (sched(7)).
func TestDeadlineParameterRefusedByName(t *testing.T) {
	for _, test := range []struct {
		runtime, deadline, period uint64
		want                      string
	}{
		{0, 2000, 0, "requires `runtime`"},
		{2000, 0, 0, "requires `deadline`"},
		{3000, 2000, 0, "runtime (3000) must be <= deadline (2000)"},
		{3000, 4000, 3000, "deadline (4000) must be <= period (3000)"},
		{1023, 2000, 0, "runtime (1023) must be between 1024 and "},
		{1<<63 + 1, 1<<63 + 2, 0, "runtime (9223372036854775809) must be between 1024 and "},
		{2000, 1 << 63, 0, "deadline (9223372036854775808) and period (0) must be between 1024 and "},
	} {
		spec := testSpec()
		spec.Process.Scheduler = &specs.Scheduler{
			Policy: specs.SchedDeadline, Runtime: test.runtime, Deadline: test.deadline, Period: test.period,
		}
		_, err := Compile(spec, testOptions())
		wantPrefix(t, err, "process.scheduler: sched_setattr: `SCHED_DEADLINE` "+test.want)
	}
}
