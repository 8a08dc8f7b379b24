package state

import (
	"path/filepath"
	"testing"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/testkit"
)

// TestLockErrorNamesContainer: the error of a lock that another command holds has the
// present name of the directory, not the one that it was made under.
func TestLockErrorNamesContainer(t *testing.T) {
	root := t.TempDir()
	d := newDir(t, root, "web")
	testkit.Check(t, d.Save(), d.Commit(), d.Unlock())
	other, err := lockfile.Try(d.Path(""), lockfile.Exclusive)
	testkit.Check(t, err)
	defer other.Close()
	err = lockOpenDir(d.lock, d.Path(""), 0)
	testkit.WantError(t, "Lock", err, "lock "+filepath.Join(root, "web")+": ")
}
