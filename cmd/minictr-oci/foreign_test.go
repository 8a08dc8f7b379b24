package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/internal/testkit"
)

// foreignState is what is not minictr's in a root, whatever its name: of other runtimes,
// of other users, and files that have never been a container's.
func foreignState(outside string) map[string]string {
	return map[string]string{
		"README": "kept", "web/state.json": `{"id":"web","init_process_pid":1,"created":"2026-01-01T00:00:00Z"}`,
		"copy/state.json": `{"id":"web","boot":"x","pid":1}`,
		"nothing/file":    "kept", "link": "→ " + outside, "other": "/65534", "hard": "= " + outside + "/file",
		".creating.file": "kept", ".creating.link": "→ " + outside, ".removed.link": "→ " + outside,
		".creating.other": "/65534", ".creating.other/file": "kept", ".removed.other": "/65534",
	}
}

// unmarkedState is minictr's in a root with the mark alone.
var unmarkedState = map[string]string{
	"file/state.json": "/", "list/state.json": "[]", "empty/state.json": "",
	"torn/state.json": `{"id":"torn","boot"`, "torn/cgroup": "x\n/sys/fs/cgroup/none",
	".creating.web/state.json": "", ".creating.empty": "/", ".creating.mount": "/tmpfs", ".creating.mount/file": "kept",
	".removed.web/file": "kept",
}

// TestForeignStateStays: no command changes what another program has put into the root.
func TestForeignStateStays(t *testing.T) {
	testkit.OwnMounts(t)
	outside, bundle := filepath.Join(t.TempDir(), "outside"), t.TempDir()
	testkit.Files(t, outside, map[string]string{"file": "kept", "state.json": `{"id":"link","boot":"x"}`})
	testkit.Files(t, bundle, map[string]string{"rootfs/dev": "/"})
	testkit.Check(t, exec.Command("minictr-oci", "spec", "--bundle", bundle).Run())
	for name, mark := range map[string]string{
		"without mark": "", "newer": "→ state version 2", "store": "→ store version 1", "half a mark": "→ state v",
		"file as mark": "state version 1", "marked": "→ state version 1",
	} {
		root := filepath.Join(t.TempDir(), "root")
		testkit.Files(t, root, foreignState(outside))
		if name != "marked" {
			testkit.Files(t, root, unmarkedState)
		}
		if mark != "" {
			testkit.Files(t, root, map[string]string{owned.MarkName: mark})
		}
		for id := range strings.FieldsSeq("web copy file list nothing link other empty torn mount") {
			values := map[string]string{
				"CONTAINER-ID": id, "COMMAND": "true", "SIGNAL": "KILL", "PS-ARGUMENT": "-e", "FILE": "/dev/null",
			}
			testkit.EachCommand(newApp().Commands, values, func(words []string) {
				before := testkit.Look(root, outside)
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				defer cancel()
				cmd := exec.CommandContext(ctx, "minictr-oci", append([]string{"--root", root}, words...)...)
				cmd.Dir = bundle
				out, _ := cmd.CombinedOutput()
				after := testkit.Look(root, outside)
				after[root] = before[root] // create makes its own directory in it, and removes that
				for _, change := range before.Changes(after) {
					t.Errorf("%s: %s: %s\n%s", name, strings.Join(words, " "), change, out)
				}
			})
			if name != "marked" && name != "without mark" { // each ID is refused for the same reason
				break
			}
		}
	}
}
