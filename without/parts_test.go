package without

import (
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestListFits: the table is complete, and the list no wider than a terminal, but for commands.
func TestListFits(t *testing.T) {
	var list strings.Builder
	testkit.Check(t, Print(&list))
	for line := range strings.Lines(list.String()) {
		if !strings.Contains(line, "$ minictr") && len(line) > 81 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	for _, p := range Parts {
		if p.Name == "" || p.Does == "" || p.Breaks == "" || (p.Script == "") == (p.Program == nil) {
			t.Errorf("%+v: incomplete", p)
		}
		if p.Others != "" && find(p.Others) == nil {
			t.Errorf("%s: %q is not a part", p.Name, p.Others)
		}
	}
}

func TestParse(t *testing.T) {
	set, err := Parse("pid,net,pid")
	testkit.Check(t, err)
	testkit.Equal(t, "parts", strings.Join(set, " "), "pid net")
	for list, text := range map[string]string{"": `""`, "pid,": `""`, "pid,nte": `"nte"`, "none,pid": `"none"`} {
		_, err := Parse(list)
		testkit.WantError(t, list, err, text)
	}
}
