package lifecycle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/container"
)

// wreck makes the folder of a container called name, with a file that no command
// can read.
func wreck(t *testing.T, root, name, file string) *container.Container {
	t.Helper()
	c := &container.Container{ID: container.NewID(), StoreRoot: root}
	c.Dir = filepath.Join(root, "containers", c.ID)
	for _, dir := range []string{filepath.Dir(c.Path(file)), filepath.Join(root, "names")} {
		if err := os.MkdirAll(dir, container.DirMode); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"settings.json": `{"Format":2}`, "image": "sha256:0\n", file: "{torn"} {
		if err := c.WriteFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := claim(c, name); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSweepGoesOn: a container that cannot be put in order stands in nobody's way,
// and gc says what is wrong with it.
func TestSweepGoesOn(t *testing.T) {
	root := t.TempDir()
	c := wreck(t, root, "wreck", filepath.Join(container.TaskDir, "state.json"))
	if err := os.Mkdir(c.Path("exit.json"), container.DirMode); err != nil {
		t.Fatal(err)
	}
	ghost := filepath.Join(root, "names", "ghost")
	if err := os.Symlink(container.NewID(), ghost); err != nil {
		t.Fatal(err)
	}
	if err := container.Recover(root); err != nil {
		t.Errorf("Sweep: %v", err)
	}
	if _, err := os.Lstat(ghost); err == nil {
		t.Error("what another container has left is there still")
	}
	if _, err := Collect(root); err == nil || !strings.Contains(err.Error(), c.ID) {
		t.Errorf("Collect: %v, want an error about %s", err, c.ID)
	}
}

// TestRemoveUnreadable: what was decided about a container may be lost, and it can
// be removed nevertheless.
func TestRemoveUnreadable(t *testing.T) {
	root := t.TempDir()
	c := wreck(t, root, "wreck", "settings.json")
	if err := Remove(root, "wreck", false); err == nil {
		t.Error("it was removed without being asked twice")
	}
	if err := Remove(root, "wreck", true); err != nil {
		t.Error(err)
	}
	for _, left := range []string{c.Dir, c.Link()} {
		if _, err := os.Lstat(left); err == nil {
			t.Errorf("%s is left", left)
		}
	}
	if err := Remove(root, "wreck", true); err == nil {
		t.Error("it was removed twice")
	}
}
