package lockfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/minictr/minictr/internal/testkit"
)

func TestModes(t *testing.T) {
	for _, c := range []struct {
		first, second Mode
		want          error
	}{
		{Shared, Shared, nil},
		{Shared, Exclusive, unix.EWOULDBLOCK},
		{Exclusive, Shared, unix.EWOULDBLOCK},
		{Exclusive, Exclusive, unix.EWOULDBLOCK},
	} {
		dir := t.TempDir()
		held, err := Lock(context.Background(), dir, c.first)
		testkit.Check(t, err)
		if f, err := Try(dir, c.second); !errors.Is(err, c.want) || (err == nil) != (f != nil) {
			t.Errorf("%v while %v is held: %v, want %v", c.second, c.first, err, c.want)
		}
		held.Close()
		if _, err := Try(dir, c.second); c.want != nil && err != nil {
			t.Errorf("%v after %v was closed: %v", c.second, c.first, err)
		}
	}
	if _, err := Try(filepath.Join(t.TempDir(), "none"), Shared); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that does not exist: %v", err)
	}
}

func TestLockWaits(t *testing.T) {
	dir, errLate := t.TempDir(), errors.New("too late")
	held, err := Try(dir, Exclusive)
	testkit.Check(t, err)
	ended, end := context.WithTimeoutCause(context.Background(), time.Millisecond, errLate)
	defer end()
	if _, err := Lock(ended, dir, Exclusive); !errors.Is(err, errLate) {
		t.Errorf("until the context ended: %v", err)
	}
	for _, ctx := range []context.Context{context.Background(), t.Context()} {
		holder := held
		time.AfterFunc(5*time.Millisecond, func() { holder.Close() })
		if held, err = Lock(ctx, dir, Exclusive); err != nil {
			t.Fatal(err)
		}
	}
	held.Close()
	if f, err := Lock(ended, dir, Exclusive); err != nil {
		t.Errorf("a free lock, with a context that has ended: %v", err)
	} else {
		f.Close()
	}
}

func TestStillNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, c := range []struct {
		change func() error
		want   bool
	}{
		{func() error { return nil }, true},
		{func() error { return os.Remove(path) }, false},
		{func() error { return os.Rename(path, path+".old") }, false},
		{func() error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) }, false},
		{func() error { return errors.Join(os.Rename(path, path+".old"), os.Symlink(path+".old", path)) }, false},
	} {
		os.Remove(path)
		f, err := os.Create(path)
		if err == nil {
			err = c.change()
		}
		testkit.Check(t, err)
		if got, err := StillNamed(f, path); got != c.want || err != nil {
			t.Errorf("%v, %v, want %v", got, err, c.want)
		}
		f.Close()
	}
}
