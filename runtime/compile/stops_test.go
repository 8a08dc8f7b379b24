package compile

import (
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// linesOf returns the steps of a plan as text, without their numbers.
func linesOf(p *plan.Plan) (list []string) {
	for i := range p.Steps {
		_, line, _ := strings.Cut(strings.TrimLeft(p.Line(i, plan.Style{}), " "), " ")
		list = append(list, line)
	}
	return list
}

// A plan with stops is the same plan, but for the stops, for what keeps their pipe, and for
// the memory that the child does not share. Before each step of the container's process is a
// stop, or else one before an earlier step, behind which only the pipe's own steps are.
func TestStopsChangeNothingElse(t *testing.T) {
	for name := range testContainers() {
		spec, options := testContainer(name)
		without, err := Compile(spec, options)
		testkit.Check(t, err)
		options.Stops = true
		with, err := Compile(spec, options)
		testkit.Check(t, err)
		checkSteps(t, with)

		rest, stopped := &plan.Plan{}, 0
		for i, s := range with.Steps {
			switch {
			case s.IsStop():
				stopped = i
			case strings.Contains(s.Call(), "@step"):
			default:
				if inside := s.Side == plan.Container || s.Side == plan.Trampoline; inside && stopped != i-1 {
					t.Errorf("%s: no stop before step %d, %s", name, i+1, s.Call())
				}
				rest.Steps = append(rest.Steps, s)
			}
		}
		unshared := strings.NewReplacer("CLONE_VM|CLONE_VFORK|", "")
		want := unshared.Replace(strings.Join(linesOf(without), ""))
		got := strings.Join(linesOf(rest), "")
		if line, a, b := firstDifference(got, want); a != b {
			t.Errorf("%s: line %d: %q, without stops %q", name, line, a, b)
		}
		if made := with.Steps[with.MadeAt]; with.MadeAt != without.MadeAt || with.Cgroup != without.Cgroup {
			t.Errorf("%s: the cgroup is made by step %d, %s", name, with.MadeAt+1, made.Call())
		}
	}
}

// No call of a stop is made behind a filter that may forbid it, and the last stop says so.
func TestNoStopBehindFilterThatForbids(t *testing.T) {
	for text, behind := range map[string]bool{
		`"defaultAction": "SCMP_ACT_ALLOW"`: true,
		`"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["close"], "action": "SCMP_ACT_ERRNO"}]`: true,
		`"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO"}]`:  false,
		`"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]`:  false,
		`"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["write"], "action": "SCMP_ACT_LOG",
			"args": [{"index": 2, "value": 9, "op": "SCMP_CMP_GT"}]}]`: true,
		`"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["write"], "action": "SCMP_ACT_KILL",
			"args": [{"index": 2, "value": 9, "op": "SCMP_CMP_GT"}]}]`: false,
	} {
		spec, options := testSpec(), testOptions()
		spec.Linux.Seccomp = &specs.LinuxSeccomp{}
		set(spec.Linux.Seccomp, text)
		options.Stops = true
		p, err := Compile(spec, options)
		testkit.Check(t, err)
		found, filtered := false, false
		for i, s := range p.Steps {
			filtered = filtered || s.Name == "seccomp"
			found = found || filtered && s.IsStop()
			if s.Name == "seccomp" && strings.Contains(p.Steps[i-1].Why, "the last stop") == behind {
				t.Errorf("%s: the stop before the filter: %s", text, p.Steps[i-1].Why)
			}
		}
		if found != behind {
			t.Errorf("%s: stops behind the filter: %v", text, found)
		}

		// the trampoline that is written anew has the same steps
		last, err := Last(spec, options)
		testkit.Check(t, err)
		end := &plan.Plan{Steps: p.Steps[len(p.Steps)-len(last.Steps):]}
		testkit.Equal(t, text, strings.Join(linesOf(last), ""), strings.Join(linesOf(end), ""))
	}
}
