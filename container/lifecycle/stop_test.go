package lifecycle

import (
	"errors"
	"testing"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/lockfile"
)

// TestRecoverStopped: a locked container without a stop mark was started again, or is
// being removed, which takes a moment.
func TestRecoverStopped(t *testing.T) {
	c := &container.Container{ID: "c", Dir: t.TempDir()}
	lock, err := lockfile.Try(c.Dir, lockfile.Exclusive) // as its monitor does
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := recoverStopped(c); !errors.Is(err, container.ErrRunning) {
		t.Errorf("while it is being removed: %v", err)
	}
	if err := c.WriteFile("image", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := recoverStopped(c); err != nil {
		t.Errorf("started again: %v", err)
	}
}
