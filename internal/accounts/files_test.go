package accounts

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/minictr/minictr/internal/testkit"
)

// TestHostileAccountFilesOfRunningContainer: whatever /etc/passwd is in the container, the
// read does not block, and nothing outside the root is read.
func TestHostileAccountFilesOfRunningContainer(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "passwd"), []byte("canary"))
	for _, test := range []struct {
		name, want string // what is read, or "" for an error
		make       func(etc string) error
	}{
		{"a file", "inside", func(string) error { return nil }},
		{"a link within the root", "inside", linkTo("../etc/other")},
		{"an absolute link, which starts at the root", "inside", linkTo("/etc/other")},
		{"a link to the outside", "", linkTo(outside + "/passwd")},
		{"a path above the root", "inside", linkTo("../../../../../../../etc/other")},
		{"a magic link of /proc", "", linkTo("/proc/self/root" + outside + "/passwd")},
		{"a FIFO", "", func(etc string) error {
			return errors.Join(os.Remove(etc+"/passwd"), unix.Mkfifo(etc+"/passwd", 0o600))
		}},
		{"a directory", "", func(etc string) error {
			return errors.Join(os.Remove(etc+"/passwd"), os.Mkdir(etc+"/passwd", 0o700))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			etc := filepath.Join(root, "etc")
			testkit.Check(t, os.Mkdir(etc, 0o700))
			write(t, filepath.Join(etc, "passwd"), []byte("inside"))
			write(t, filepath.Join(etc, "other"), []byte("inside"))
			testkit.Check(t, test.make(etc))
			dir, err := os.Open(root)
			testkit.Check(t, err)
			defer dir.Close()
			got, err := fs.ReadFile(Files(dir.Fd()), "etc/passwd")
			if string(got) != test.want || (err == nil) != (test.want != "") {
				t.Errorf("%.20q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	testkit.Check(t, os.WriteFile(path, data, 0o600))
}

// linkTo returns a function that replaces passwd by a symbolic link.
func linkTo(target string) func(etc string) error {
	return func(etc string) error {
		return errors.Join(os.Remove(etc+"/passwd"), os.Symlink(target, etc+"/passwd"))
	}
}
