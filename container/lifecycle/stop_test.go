package lifecycle

import (
	"errors"
	"testing"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/lockfile"
)

// TestSettled: of a container that nobody has stopped any more, either somebody has
// begun another life, or what is left of it is being removed at this moment, which
// is not over yet.
func TestSettled(t *testing.T) {
	c := &container.Container{ID: "c", Dir: t.TempDir()}
	lock, err := lockfile.Try(c.Dir, lockfile.Exclusive) // of its watcher
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := recoverStopped(c); !errors.Is(err, container.ErrRunning) {
		t.Errorf("it is being removed: %v", err)
	}
	if err := c.WriteFile("image", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := recoverStopped(c); err != nil {
		t.Errorf("it was started again: %v", err)
	}
}
