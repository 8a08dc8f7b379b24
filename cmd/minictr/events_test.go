package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
)

// TestEventsAreTrueAfterKill: wherever a command is killed, the journal tells each thing
// once, and the end of all that began, as soon as another command has recovered it.
func TestEventsAreTrueAfterKill(t *testing.T) {
	testkit.NeedRoot(t)
	demo := testkit.DemoImage(t)
	whole := regexp.MustCompile(`^(create )?(attach )?(start )?(kill )*(die )?destroy $`)
	for name, commands := range map[string]struct{ before, victim []string }{
		"run": {nil, []string{"run", "--rm", "--name", "job", "demo", "true"}},
		"rm":  {[]string{"run", "-d", "--name", "job", "demo", "sleep", "1000"}, []string{"rm", "-f", "job"}},
	} {
		t.Run(name, func(t *testing.T) {
			var store string
			testkit.KillAt(t, testkit.Kill{
				Command: func(t *testing.T) *exec.Cmd {
					store = t.TempDir()
					mustMinictr(t, store, "load", "-i", demo)
					if commands.before != nil {
						mustMinictr(t, store, commands.before...)
					}
					return exec.Command("minictr", append([]string{"--root", store}, commands.victim...)...)
				},
				Calls: "write openat unlinkat mkdirat renameat flock waitid wait4 fdatasync",
				Truth: func(t *testing.T, k testkit.Killed) {
					minictr(store, "rm", "-f", "job") // unless it is recovered
					mustMinictr(t, store, "ps")
					format := "{{.Action}} {{with .Actor.Attributes.name}}{{.}}{{end}}"
					all := mustMinictr(t, store, "events", "--until", "0s", "--filter", "type=container",
						"--format", format)
					actions := strings.NewReplacer("job\n", "", "\n", "").Replace(all)
					if all != "" && !whole.MatchString(actions) {
						t.Errorf("events: %s", all)
					}
					if strings.Contains(actions, "start") && !strings.Contains(actions, "die") {
						t.Errorf("no end is told: %s", all)
					}
				},
				Limit:  8 * time.Second,
				Enough: 5,
			})
		})
	}
}
