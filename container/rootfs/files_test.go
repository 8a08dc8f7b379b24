package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHostileAccountFilesOfRunningContainer: whatever the container has made of its
// /etc/passwd, nobody waits for it, and nothing outside its root is read.
func TestHostileAccountFilesOfRunningContainer(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "passwd"), []byte("canary"))
	for _, test := range []struct {
		name, want string // what is read, or "" for an error
		make       func(etc string) error
	}{
		{"a file", "inside", func(string) error { return nil }},
		{"a link within the root", "inside", func(etc string) error { return replaceBy(etc, "../etc/other") }},
		{"an absolute link, which begins at the root", "inside", func(etc string) error { return replaceBy(etc, "/etc/other") }},
		{"a link to the outside", "", func(etc string) error { return replaceBy(etc, outside+"/passwd") }},
		{"a way up", "inside", func(etc string) error { return replaceBy(etc, "../../../../../../../etc/other") }},
		{"a door of /proc", "", func(etc string) error { return replaceBy(etc, "/proc/self/root"+outside+"/passwd") }},
		{"a FIFO", "", func(etc string) error {
			return errors.Join(os.Remove(etc+"/passwd"), unix.Mkfifo(etc+"/passwd", 0o600))
		}},
		{"a folder", "", func(etc string) error { return errors.Join(os.Remove(etc+"/passwd"), os.Mkdir(etc+"/passwd", 0o700)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			etc := filepath.Join(root, "etc")
			if err := os.Mkdir(etc, 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(etc, "passwd"), []byte("inside"))
			write(t, filepath.Join(etc, "other"), []byte("inside"))
			if err := test.make(etc); err != nil {
				t.Fatal(err)
			}
			folder, err := os.Open(root)
			if err != nil {
				t.Fatal(err)
			}
			defer folder.Close()
			got, err := fs.ReadFile(Files(folder.Fd()), "etc/passwd")
			if string(got) != test.want || (err == nil) != (test.want != "") {
				t.Errorf("%.20q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// replaceBy makes passwd a link.
func replaceBy(etc, target string) error {
	return errors.Join(os.Remove(etc+"/passwd"), os.Symlink(target, etc+"/passwd"))
}
