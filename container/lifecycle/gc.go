package lifecycle

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/lockfile"
)

// Collect recovers what killed commands left in the store at root. It waits for commands
// that create containers.
func Collect(root string) ([]container.Leftover, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	wait := func(path string, how lockfile.Mode) (*os.File, error) {
		return lockfile.Lock(context.Background(), path, how)
	}
	left, stuck, err := container.RecoverStore(root, wait)
	return left, errors.Join(append(stuck, err)...)
}
