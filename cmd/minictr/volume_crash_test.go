package main

// A command that makes or removes volumes may be killed at any moment. After each kill a volume
// is whole, or there is none; the same command works again; and nothing is left.

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/container/volume"
	"github.com/minictr/minictr/internal/testkit"
)

func TestVolumesSurviveKill(t *testing.T) {
	testkit.NeedRoot(t)
	if st, err := os.Stat("/dev/shm"); err == nil && st.IsDir() {
		t.Setenv("TMPDIR", "/dev/shm") // where fsync is fast
	}
	demo, whole := testkit.DemoImage(t), t.TempDir()
	mustMinictr(t, whole, "load", "-q", "-i", demo)
	files := map[bool]int{ // by whether the volume is anonymous
		false: len(strings.Fields(mustMinictr(t, whole, "run", "--rm", "demo", "ls", "-A", "/bin"))),
		true:  len(strings.Fields(mustMinictr(t, whole, "run", "--rm", "-v", "/etc", "demo", "ls", "-A", "/etc"))),
	}
	const making = "renameat2 renameat mkdirat openat fchown fchmod symlinkat linkat write utimensat copy_file_range " +
		"flock syncfs close unlinkat open_tree"
	const removing = "renameat2 unlinkat flock openat mkdirat symlinkat"
	for name, test := range map[string]struct {
		before [][]string
		victim []string
		calls  string
		after  [][]string // the victim may have come to its end
		left   string     // the volumes that are there then
	}{
		"run": {
			victim: []string{"run", "--rm", "-v", "data:/bin:ro", "-v", "/etc", "demo", "true"}, calls: making,
			after: [][]string{{"run", "--rm", "-v", "data:/bin:ro", "-v", "/etc", "demo", "true"}}, left: "data",
		},
		"create, after volume create": {
			before: [][]string{{"volume", "create", "data"}},
			victim: []string{"create", "--name", "one", "-v", "data:/bin", "-v", "/etc", "demo"}, calls: making,
			after: [][]string{{"rm", "-v", "one"}, {"run", "--rm", "-v", "data:/bin:ro", "demo", "true"}}, left: "data",
		},
		"rm -v": {
			before: [][]string{{"create", "--name", "one", "-v", "data:/bin", "-v", "/etc", "demo"}},
			victim: []string{"rm", "-v", "one"}, calls: removing,
			after: [][]string{{"rm", "-v", "one"}}, left: "data",
		},
		"rm": {
			before: [][]string{{"create", "--name", "one", "-v", "data:/bin", "-v", "/etc", "demo"}},
			victim: []string{"rm", "one"}, calls: removing,
			after: [][]string{{"rm", "one"}}, left: "ID data",
		},
		"volume rm": {
			before: [][]string{{"run", "--rm", "-v", "data:/bin", "demo", "true"}},
			victim: []string{"volume", "rm", "data"}, calls: removing,
			after: [][]string{{"volume", "rm", "-f", "data"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var store string
			testkit.KillAt(t, testkit.Kill{
				Command: func(t *testing.T) *exec.Cmd {
					store = t.TempDir()
					mustMinictr(t, store, "load", "-q", "-i", demo)
					for _, args := range test.before {
						mustMinictr(t, store, args...)
					}
					return exec.Command("minictr", append([]string{"--root", store}, test.victim...)...)
				},
				Calls: test.calls,
				Truth: func(t *testing.T, _ testkit.Killed) { wantWholeVolumes(t, store, files) },
				Clean: func(t *testing.T, _ testkit.Killed) {
					for _, args := range test.after {
						out, err := minictr(store, args...)
						if err != nil && !strings.Contains(out, "no such container") {
							t.Errorf("minictr %s: %v\n%s", strings.Join(args, " "), err, out)
						}
					}
					mustMinictr(t, store, "gc")
					var names []string
					for _, name := range strings.Fields(mustMinictr(t, store, "volume", "ls", "-q")) {
						if len(name) == 64 {
							name = "ID"
						}
						names = append(names, name)
					}
					slices.Sort(names)
					testkit.Equal(t, "volumes", strings.Join(names, " "), test.left)
					for _, dir := range []string{"containers", "names", "volumes/.new"} {
						entries, _ := os.ReadDir(filepath.Join(store, dir))
						testkit.Equal(t, "entries of "+dir, len(entries), 0)
					}
				},
				Limit:  10 * time.Second,
				Enough: 5,
			})
		})
	}
}

// wantWholeVolumes: a volume that is listed has all files of the image in its place; the one that
// volume create has made, and no container used, is empty.
func wantWholeVolumes(t *testing.T, store string, files map[bool]int) {
	t.Helper()
	for _, name := range strings.Fields(mustMinictr(t, store, "volume", "ls", "-q")) {
		v, err := volume.Get(volume.Dir(store), name)
		testkit.Check(t, err)
		entries, err := os.ReadDir(volume.DataPath(volume.Dir(store), name))
		testkit.Check(t, err)
		want := 0
		if v.Used {
			want = files[v.Anonymous]
		}
		testkit.Equal(t, "files in volume "+name, len(entries), want)
	}
}
