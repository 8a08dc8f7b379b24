package lifecycle

import (
	"errors"
	"testing"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/testkit"
)

// TestRecoverStopped: a locked container without a stop mark was started again, or is
// being removed, which takes a moment.
func TestRecoverStopped(t *testing.T) {
	c := &container.Container{ID: "c", Dir: t.TempDir()}
	lock, err := lockfile.Try(c.Dir, lockfile.Exclusive) // as its monitor does
	testkit.Check(t, err)
	defer lock.Close()
	if err := recoverStopped(c); !errors.Is(err, container.ErrRunning) {
		t.Errorf("while it is being removed: %v", err)
	}
	testkit.Check(t, c.WriteFile("image", []byte("x")))
	if err := recoverStopped(c); err != nil {
		t.Errorf("started again: %v", err)
	}
}
