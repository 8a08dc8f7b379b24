package atomicfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

func TestWriteReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report")
	for i, text := range []string{"a long old text", "new"} {
		testkit.Check(t, Write(path, []byte(text), 0o640, i == 0))
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%q, %v, want %q", got, err, text)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestFullDiskKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report")
	testkit.Check(t, Write(path, []byte("old"), 0o600, false))
	testkit.Check(t, os.Symlink("/dev/full", filepath.Join(dir, ".report")))
	if err := Write(path, []byte("new"), 0o600, false); err == nil {
		t.Error("a full disk is no error")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "old" {
		t.Errorf("the file is now %q, %v", text, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("files left: %v", files)
	}
}
