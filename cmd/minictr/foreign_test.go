package main

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/internal/testkit"
)

// foreignRoots are directories that minictr has not made: each has the names that a
// command would look for, or remove.
func foreignRoots(t *testing.T) map[string]string {
	outside := filepath.Join(t.TempDir(), "outside")
	id, other := testkit.Hex("a"), testkit.Hex("b")
	testkit.Files(t, outside, map[string]string{"file": "kept", "container/upper/file": "kept"})
	files := map[string]string{
		"containers/README": "kept", "containers/web/Dockerfile": "kept",
		"containers/" + id + "/upper/file": "kept", "containers/" + other: "→ " + outside + "/container",
		"containers/" + testkit.Hex("c"): "/65534", "containers/" + testkit.Hex("d") + "/mount": "/tmpfs",
		"containers/" + testkit.Hex("d") + "/mount/file": "kept",
		"names/ghost": "→ " + testkit.Hex("0"), "names/web": "→ " + id, "names/note": "kept",
		"tmp/notes": "kept", "tmp/123/file": "kept", "tmp/scratch-1/file": "kept", "partial/" + id: "kept",
		"blobs/sha256/" + id: "kept", "blobs/sha256/" + other: "→ " + outside + "/file",
		"blobs/hard":          "= " + outside + "/file",
		"layers/.init-1/file": "kept", "layers/aaaaaaaa": "→ sha256/x/diff",
		"layers/sha256/" + id + "/diff/file": "kept",
		"events/events.json":                 "{}\n", "lock": "", "index.lock": "", "shared": "= " + outside + "/file",
		"oci-layout": `{"imageLayoutVersion": "1.0.0"}`, "index.json": `{"schemaVersion":2,"manifests":[]}`,
		".creating.web/state.json": "", ".removed.web/file": "kept",
	}
	container := map[string]string{
		"settings.json": `{"Format":2}`, "image": "sha256:" + id + "\n", "config.json": "{}", "task/state.json": "{}",
		"monitor": `{"pid":1}`, "remove": "", "restarting": "", "log": "",
	}
	for name, text := range container {
		files["containers/"+testkit.Hex("e")+"/"+name] = text
	}
	roots := map[string]string{"outside": outside}
	for name, mark := range map[string]string{
		"without mark": "", "newer": "→ store version 2",
		"half a mark": "→ store ver", "file as mark": "store version 1",
		"state": "→ state version 1", "directory as mark": "/", "mark of another user": "→ store version 1",
	} {
		roots[name] = filepath.Join(t.TempDir(), "root")
		testkit.Files(t, roots[name], files)
		if mark != "" {
			testkit.Files(t, roots[name], map[string]string{owned.MarkName: mark})
		}
	}
	mark := filepath.Join(roots["mark of another user"], owned.MarkName)
	testkit.Check(t, os.Lchown(mark, testkit.Nobody, testkit.Nobody))
	return roots
}

// plausible are arguments, by the words of the help.
var plausible = map[string]string{
	"CONTAINER": "web", "CONTAINER|IMAGE": "web", "ID": testkit.Hex("e"), "IMAGE": "demo", "IMAGE[@N": "demo",
	"NAME[:TAG": "demo", "CONTAINER:SOURCE": "web:/etc", "TARGET|-": "-",
	"SOURCE|-": "-", "CONTAINER:TARGET": "web:/etc", "FILE": "/dev/null", "COMMAND": "true", "REGISTRY": "127.0.0.1:1",
}

// minictrIn runs a command on a store, without a terminal and input, for a few seconds.
func minictrIn(t *testing.T, root string, words []string) (out string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "minictr", append([]string{"--root", root}, words...)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "MINICTR_ROOT=")
	cmd.WaitDelay = time.Second
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return string(text), err
}

// TestForeignRootsStay: no command changes anything of a directory that minictr has not
// made, whatever it looks like.
func TestForeignRootsStay(t *testing.T) {
	testkit.OwnMounts(t)
	roots := foreignRoots(t)
	all := slices.Collect(maps.Values(roots))
	for name, root := range roots {
		if name == "outside" {
			continue
		}
		testkit.EachCommand(newApp().Commands, plausible, func(words []string) {
			before := testkit.Look(all...)
			out, err := minictrIn(t, root, words)
			if err == context.DeadlineExceeded {
				t.Errorf("%s: %q does not end\n%s", name, words, out)
			}
			for _, change := range before.Changes(testkit.Look(all...)) {
				t.Errorf("%s: %q: %s\n%s", name, words, change, out)
			}
		})
	}
}

// TestForeignFilesInStoreStay: no command changes what somebody has put into a store, and
// nothing outside that a link or a mount in it leads to.
func TestForeignFilesInStoreStay(t *testing.T) {
	testkit.OwnMounts(t)
	root, outside := filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "outside")
	archive := testkit.DemoImage(t)
	load := func() {
		minictrIn(t, root, []string{"load", "-qi", archive})
		minictrIn(t, root, []string{"create", "--name", "web", "demo", "sleep", "1000"}) // it may exist
	}
	load()
	a, b, c, d := testkit.Hex("a"), testkit.Hex("b"), testkit.Hex("c"), testkit.Hex("d")
	testkit.Files(t, outside, map[string]string{"file": "kept", "container/upper/file": "kept"})
	files := map[string]string{
		"containers/README": "kept", "containers/web/Dockerfile": "kept", "containers/" + a: "kept",
		"containers/" + b: "→ " + outside + "/container",
		"containers/" + c: "/65534", "containers/" + c + "/file": "kept",
		"containers/" + d + "/mount": "/tmpfs", "containers/" + d + "/mount/file": "kept",
		"names/note": "kept", "names/odd": "→ nothing", "names/other": "→ " + c,
		"tmp/notes": "kept", "tmp/1/file": "kept", "tmp/scratch-1": "kept", "tmp/scratch-2": "→ " + outside,
		"tmp/scratch-3": "/65534", "partial/notes": "kept", "partial/" + a: "→ " + outside + "/file",
		"blobs/sha256/notes": "kept", "blobs/sha256/" + a: "→ " + outside + "/file",
		"blobs/sha256/hard": "= " + outside + "/file",
		"layers/notes":      "kept", "layers/aaaaaaaa": "→ " + outside, "layers/.init-1": "kept",
		"layers/.init-2":           "/65534",
		"layers/sha256/notes/file": "kept", "layers/sha256/" + a: "kept", "events/notes": "kept", "notes": "kept",
	}
	testkit.Files(t, root, files)
	paths := []string{outside}
	for name := range files {
		paths = append(paths, filepath.Join(root, name))
	}
	before := testkit.Look(paths...)
	testkit.EachCommand(newApp().Commands, plausible, func(words []string) {
		out, _ := minictrIn(t, root, words) // some follow, and some fail
		for _, change := range before.Changes(testkit.Look(paths...)) {
			t.Fatalf("%q: %s\n%s", words, change, out)
		}
		load()
	})
	minictrIn(t, root, []string{"rm", "-f", "web"})
}
