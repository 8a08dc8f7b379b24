package lessons

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// TestStart: an exercise is laid out once more where a part of it is missing, and what the
// student has changed is never overwritten.
func TestStart(t *testing.T) {
	needBusybox(t)
	for _, l := range list {
		t.Run(l.Name, func(t *testing.T) {
			s, dir := start(t, &l)
			main := filepath.Join(dir, "image.tar")
			if l.Track == Build {
				main = filepath.Join(dir, "main.go")
			}
			testkit.Check(t, os.Remove(main))
			_, err := l.Start(s, dir)
			testkit.Check(t, err)
			before := testkit.ReadFile(t, main)

			testkit.Check(t, os.WriteFile(main, []byte("mine"), 0o644))
			_, err = l.Start(s, dir)
			testkit.WantError(t, "start", err, main+": exists, and is not overwritten")
			if before == "mine" || testkit.ReadFile(t, main) != "mine" {
				t.Error("it was overwritten")
			}
		})
	}
}

// TestExerciseCompiles: an exercise in Go compiles without the network.
func TestExerciseCompiles(t *testing.T) {
	needBusybox(t)
	testkit.NeedTool(t, "go")
	l := list[0] // TestGoLessons compiles all
	_, dir := start(t, &l)
	vet := exec.Command("go", "vet", "-mod=readonly", ".")
	vet.Dir, vet.Env = dir, append(os.Environ(), "GOPROXY=off", "GOWORK=off")
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// TestStudentOfSudo: what root writes belongs to the user who called sudo, and root writes
// nothing where that user may not.
func TestStudentOfSudo(t *testing.T) {
	testkit.NeedRoot(t)
	needBusybox(t)
	home := t.TempDir()
	testkit.Check(t, os.Chmod(filepath.Dir(home), 0o755), os.Chmod(home, 0o755),
		os.Chown(home, testkit.Nobody, testkit.Nobody))
	t.Setenv("SUDO_UID", "65534")
	t.Setenv("SUDO_GID", "65534")
	t.Setenv("XDG_STATE_HOME", filepath.Join(home, "state"))
	s, err := CurrentStudent()
	testkit.Check(t, err)
	testkit.Check(t, s.record(&list[0]))
	_, err = list[0].Start(s, filepath.Join(home, "lesson"))
	testkit.Check(t, err)
	n := 0
	testkit.Check(t, filepath.WalkDir(home, func(path string, _ fs.DirEntry, err error) error {
		var st unix.Stat_t
		testkit.Check(t, err, unix.Lstat(path, &st))
		if st.Uid != testkit.Nobody || st.Gid != testkit.Nobody {
			t.Errorf("%s belongs to %d:%d", path, st.Uid, st.Gid)
		}
		n++
		return nil
	}))
	if p, err := s.Progress(); n < 10 || err != nil || len(p.Done) != 1 {
		t.Errorf("%d files, progress %v, %v", n, p, err)
	}

	// a directory of root's
	closed := t.TempDir()
	testkit.Check(t, os.Chmod(closed, 0o755))
	_, err = list[0].Start(s, filepath.Join(closed, "lesson"))
	testkit.WantError(t, "start in a directory of root's", err, "permission denied")
	if status := testkit.ReadFile(t, "/proc/thread-self/status"); strings.Contains(status, "\t65534\n") {
		t.Error("the thread keeps the student's rights")
	}
}
