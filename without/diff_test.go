package without

import (
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
)

// TestDiff: steps that both plans have are not printed; the others stand below the headline of
// their part, those that go first.
func TestDiff(t *testing.T) {
	step := func(part, why string, s plan.Step) plan.Step { s.Part, s.Why = part, why; return s }
	setsid, chroot := step("session", "both", call.Setsid()), step("pivot", "go", call.Chroot("."))
	before := &plan.Plan{Steps: []plan.Step{setsid, chroot, step("exec", "both", call.Umask(0))}}
	after := &plan.Plan{Steps: []plan.Step{
		setsid, step("pivot", "come", call.Chdir("/")), step("exec", "both", call.Umask(0)),
		step("exec", "come", call.Close("leak")),
	}}
	for color, want := range map[bool]string{
		false: `
pivot: change the root
-   2  host          chroot(".")                                                 # go
+   2  host          chdir("/")                                                  # come

exec: execute the program
+   4  host          close(@leak)                                                # come

calls: 1 go, 2 come, 2 stay
`,
		true: "\x1b[31m-   2  host ",
	} {
		var text strings.Builder
		testkit.Check(t, Diff(&text, before, after, plan.Style{Color: color}))
		if !color {
			testkit.Equal(t, "the difference", text.String(), want)
		} else if !strings.Contains(text.String(), want) {
			t.Errorf("no color: %q", text.String())
		}
	}
}
