package machine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
)

// A mark is found anywhere in a line, others are skipped, and the error for a
// machine that ends too early quotes its console.
func TestConsole(t *testing.T) {
	c := newConsole(strings.NewReader("noise\r\nmark: one\r\nsh: mark: two\r\nKernel panic\r\n"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if at, err := c.wait(ctx, "two"); err != nil || time.Since(at) > time.Minute {
		t.Errorf("%v, %v", at, err)
	}
	if _, err := c.wait(ctx, "three"); err == nil || !strings.Contains(err.Error(), "Kernel panic") {
		t.Errorf("the error is %v", err)
	}
}

// A console that is followed is a file that is created and written later.
func TestFollow(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "console")
	c, err := follow(ctx, path)
	testkit.Check(t, err)
	time.Sleep(30 * time.Millisecond)
	f, err := os.Create(path)
	testkit.Check(t, err)
	defer f.Close()
	if _, err := c.wait(ctx, created); err != nil {
		t.Error(err)
	}
	for _, part := range []string{"mark: us", "er space\nmark: services\n"} {
		if _, err := f.WriteString(part); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Millisecond)
	}
	for _, name := range []string{userSpace, services} {
		if _, err := c.wait(ctx, name); err != nil {
			t.Error(err)
		}
	}
	cancel()
	c.drain()
}

// The box that is measured has the workload that other targets have.
func TestSameWorkload(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string]string{"workload": "program", "same": "program", "older": "older program"} {
		testkit.Check(t, os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644))
	}
	for box, want := range map[string]string{"older": "scripts/box makes it", "absent": "No such file"} {
		err := sameWorkload(t.Context(), filepath.Join(dir, box), filepath.Join(dir, "workload"))
		testkit.WantError(t, box, err, want)
	}
	testkit.Check(t, sameWorkload(t.Context(), filepath.Join(dir, "same"), filepath.Join(dir, "workload")))
}
