package container

import (
	"errors"
	"testing"

	"github.com/minictr/minictr/internal/lockfile"
)

// TestSettled: of a container that nobody has stopped any more, either somebody has
// begun another life, or what is left of it is being removed at this moment, which
// is not over yet.
func TestSettled(t *testing.T) {
	c := &Container{ID: "c", dir: t.TempDir()}
	lock, err := lockfile.Try(c.dir, lockfile.Exclusive) // of its watcher
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := c.settled(); !errors.Is(err, errRunning) {
		t.Errorf("it is being removed: %v", err)
	}
	if err := c.write("image", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := c.settled(); err != nil {
		t.Errorf("it was started again: %v", err)
	}
}
