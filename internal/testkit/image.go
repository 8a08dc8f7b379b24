package testkit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Root makes the root filesystem of a container: these directories, and in /bin busybox
// under the names of these programs.
func Root(root, dirs, programs string) error {
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return fmt.Errorf("busybox-static of Debian is not installed, use make test: %w", err)
	}
	for name := range strings.FieldsSeq(dirs + " bin") {
		err = errors.Join(err, os.MkdirAll(filepath.Join(root, name), 0o755))
	}
	err = errors.Join(err, os.WriteFile(filepath.Join(root, "bin/busybox"), busybox, 0o755))
	for name := range strings.FieldsSeq(programs) {
		err = errors.Join(err, os.Symlink("busybox", filepath.Join(root, "bin", name)))
	}
	return err
}

// DemoImage returns the path of an archive of the image "demo", which
// scripts/demo-image makes; $DEMO_IMAGE is one that exists already. The directory of
// the test is two below the top.
func DemoImage(t testing.TB) (archive string) {
	t.Helper()
	if made := os.Getenv("DEMO_IMAGE"); made != "" {
		return made
	}
	if _, err := os.Stat("/var/lib/dpkg/info/busybox-static.list"); err != nil {
		t.Skip("Debian's busybox-static is not installed: use make test")
	}
	archive = filepath.Join(t.TempDir(), "demo.tar")
	if out, err := exec.Command("../../scripts/demo-image", archive).CombinedOutput(); err != nil {
		t.Fatalf("scripts/demo-image: %v\n%s", err, out)
	}
	return archive
}
