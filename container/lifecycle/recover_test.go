package lifecycle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/internal/testkit"
)

// corrupt makes a container called name, with a file that is not JSON.
func corrupt(t *testing.T, root, name, file string) *container.Container {
	t.Helper()
	c := &container.Container{ID: container.NewID(), StoreRoot: root}
	c.Dir = filepath.Join(root, "containers", c.ID)
	for _, dir := range []string{filepath.Dir(c.Path(file)), filepath.Join(root, "names")} {
		testkit.Check(t, os.MkdirAll(dir, container.DirMode))
	}
	testkit.Check(t, owned.Mark(root, owned.Store), owned.Mark(c.Dir, owned.State))
	files := map[string]string{"settings.json": `{"Format":2}`, "image": "sha256:0\n", file: "{corrupt"}
	for name, text := range files {
		testkit.Check(t, c.WriteFile(name, []byte(text)))
	}
	testkit.Check(t, claim(c, name))
	return c
}

// TestRecoverSkipsCorrupt: a container that cannot be recovered does not keep others
// from recovery, and gc reports the error.
func TestRecoverSkipsCorrupt(t *testing.T) {
	root := t.TempDir()
	c := corrupt(t, root, "broken", filepath.Join(container.TaskDir, "state.json"))
	testkit.Check(t, os.Mkdir(c.Path("exit.json"), container.DirMode))
	ghost := filepath.Join(root, "names", "ghost")
	testkit.Check(t, os.Symlink(container.NewID(), ghost))
	if err := container.Recover(root); err != nil {
		t.Errorf("Recover: %v", err)
	}
	if _, err := os.Lstat(ghost); err == nil {
		t.Error("the name of a removed container still exists")
	}
	if _, err := Collect(root); err == nil || !strings.Contains(err.Error(), c.ID) {
		t.Errorf("Collect: %v, want an error about %s", err, c.ID)
	}
}

// TestRemoveUnreadable: rm -f removes a container without readable settings, rm does not.
func TestRemoveUnreadable(t *testing.T) {
	root := t.TempDir()
	c := corrupt(t, root, "broken", "settings.json")
	if err := Remove(root, "broken", false, false); err == nil {
		t.Error("it was removed without force")
	}
	testkit.Check(t, Remove(root, "broken", true, false))
	for _, left := range []string{c.Dir, container.NamePath(root, c.Name)} {
		if _, err := os.Lstat(left); err == nil {
			t.Errorf("%s still exists", left)
		}
	}
	if err := Remove(root, "broken", true, false); err == nil {
		t.Error("it was removed twice")
	}
}
