package lessons

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestMain builds minictr, which the lessons tell the student to type; where there is no Go it
// is the one in PATH.
func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "minictr-lessons-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755)
	if _, err := exec.LookPath("go"); err == nil {
		build := exec.Command("go", "build", "-o", dir, "../cmd/minictr")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Printf("go build: %v\n%s", err, out)
			return 1
		}
	}
	os.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	os.Unsetenv("SUDO_UID") // of who runs the tests
	os.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	return m.Run()
}

// TestFiles: the numbers run through, and each lesson has its files.
func TestFiles(t *testing.T) {
	for i, l := range list {
		if i > 0 && l.Number <= list[i-1].Number {
			t.Errorf("lesson %d behind lesson %d", l.Number, list[i-1].Number)
		}
		if first, _, _ := strings.Cut(l.Text(), "\n"); first != fmt.Sprintf("# %d. %s", l.Number, l.Title) {
			t.Errorf("lesson %d, %s: its text begins with %q", l.Number, l.Title, first)
		}
		if l.Solution() == "" {
			t.Errorf("lesson %d: no solution", l.Number)
		}
		if l.Track == Build && strings.Count(l.Solution(), "\n") >= 100 && l.Number < 13 {
			t.Errorf("lesson %d: the program has %d lines", l.Number, strings.Count(l.Solution(), "\n"))
		}
		wrong, err := filepath.Glob(l.dir() + "/wrong*")
		if len(wrong) == 0 || err != nil {
			t.Errorf("lesson %d: no wrong answer", l.Number)
		}
	}
}

// TestCopies: an exercise, and a wrong answer, is our program but for a few lines. Who changes
// ours has to change them.
func TestCopies(t *testing.T) {
	testkit.NeedTool(t, "patch")
	const few = 28
	for _, l := range list {
		if l.Track != Build {
			continue
		}
		copies := map[string]string{"exercise": testkit.ReadFile(t, l.dir()+"/exercise/main.go")}
		for _, file := range wrongPrograms(t, &l) {
			copies[file] = wrongProgram(t, &l, file)
		}
		for file, text := range copies {
			for _, pair := range [][2]string{{text, l.Solution()}, {l.Solution(), text}} {
				if n := linesMissing(pair[0], pair[1]); n > few {
					t.Errorf("lesson %d: %s: %d lines are not those of the solution, or are left out",
						l.Number, file, n)
				}
			}
		}
	}
}

// linesMissing counts the lines of a text that another lacks.
func linesMissing(text, other string) (n int) {
	has := map[string]int{}
	for line := range strings.Lines(other) {
		has[strings.TrimSpace(line)]++
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); has[line] <= 0 {
			n++
		}
		has[line]--
	}
	return n
}

// TestGoLessons: ours passes the check; the exercise and wrong answers do not, and the hint
// is the right one.
func TestGoLessons(t *testing.T) {
	testkit.NeedRoot(t)
	needBusybox(t)
	testkit.NeedTool(t, "go", "patch")
	for _, l := range list {
		if l.Track != Build {
			continue
		}
		t.Run(l.Name, func(t *testing.T) {
			s, dir := start(t, &l)
			main := filepath.Join(dir, "main.go")
			wantMissing(t, &l, s, dir, "")
			for _, file := range wrongPrograms(t, &l) {
				testkit.Check(t, os.WriteFile(main, []byte(wrongProgram(t, &l, file)), 0o644))
				wantMissing(t, &l, s, dir, wantedHint(t, file))
			}
			testkit.Check(t, os.WriteFile(main, []byte(l.Solution()), 0o644))
			wantDone(t, &l, s, dir)
		})
	}
}

// TestCommandLessons: the same with commands.
func TestCommandLessons(t *testing.T) {
	testkit.NeedRoot(t)
	needBusybox(t)
	testkit.NeedTool(t, "minictr", "pgrep")
	for _, l := range list {
		if l.Track != Understand {
			continue
		}
		t.Run(l.Name, func(t *testing.T) {
			store(t)
			wrong, err := filepath.Glob(l.dir() + "/wrong-*.sh")
			testkit.Check(t, err)
			for _, file := range wrong {
				s, dir := begin(t, &l)
				typed(t, dir, testkit.ReadFile(t, file))
				wantMissing(t, &l, s, dir, wantedHint(t, file))
				removeContainers(t)
			}
			s, dir := begin(t, &l)
			wantMissing(t, &l, s, dir, "")
			typed(t, dir, l.Solution())
			wantDone(t, &l, s, dir)
		})
	}
}

// wrongPrograms returns the files of the wrong answers to a lesson of the track Build: what
// differs from ours.
func wrongPrograms(t *testing.T, l *Lesson) []string {
	t.Helper()
	files, err := filepath.Glob(l.dir() + "/wrong/*.diff")
	testkit.Check(t, err)
	return files
}

// wrongProgram returns our program with the differences of a file.
func wrongProgram(t *testing.T, l *Lesson, file string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "main.go")
	testkit.Check(t, os.WriteFile(program, []byte(l.Solution()), 0o644))
	if out, err := exec.Command("patch", "--fuzz=0", program, file).CombinedOutput(); err != nil {
		t.Fatalf("patch %s: %v\n%s", file, err, out)
	}
	return testkit.ReadFile(t, program)
}

// needBusybox skips a test where there is no static busybox.
func needBusybox(t *testing.T) {
	t.Helper()
	if _, err := busybox(); err != nil {
		t.Skip(err)
	}
}

// start lays out the exercise of a lesson.
func start(t *testing.T, l *Lesson) (*Student, string) {
	t.Helper()
	s, err := CurrentStudent()
	testkit.Check(t, err)
	dir := t.TempDir()
	_, err = l.Start(s, dir)
	testkit.Check(t, err)
	return s, dir
}

// begin is start for a lesson of commands: the image is loaded, too.
func begin(t *testing.T, l *Lesson) (*Student, string) {
	t.Helper()
	s, dir := start(t, l)
	typed(t, dir, "minictr load -q -i image.tar")
	return s, dir
}

// store gives the test a store of its own, without containers when it ends.
func store(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	testkit.Check(t, os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755))
	t.Setenv("MINICTR_ROOT", filepath.Join(dir, "store"))
	t.Cleanup(func() { removeContainers(t) })
}

func removeContainers(t *testing.T) {
	t.Helper()
	typed(t, "/", "ids=$(minictr ps -aq); [ -z \"$ids\" ] || minictr rm -f $ids")
}

// typed runs commands as a student types them, and returns what they print.
func typed(t *testing.T, dir, commands string) string {
	t.Helper()
	sh := exec.Command("sh", "-c", "sudo() { \"$@\"; }\n"+commands)
	sh.Dir = dir
	out, err := sh.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", commands, err, out)
	}
	return string(out)
}

func wantedHint(t *testing.T, file string) string {
	t.Helper()
	const prefix = "# hint: "
	first, _, _ := strings.Cut(testkit.ReadFile(t, file), "\n")
	words, ok := strings.CutPrefix(first, prefix)
	if !ok || words == "" {
		t.Fatalf("%s: the first line is not %q", file, prefix+"WORDS")
	}
	return words
}

func check(l *Lesson, s *Student, dir string) error {
	_, err := l.Check(s, dir, "minictr")
	return err
}

// wantMissing fails the test unless the check misses something, and says words.
func wantMissing(t *testing.T, l *Lesson, s *Student, dir, words string) {
	t.Helper()
	err := check(l, s, dir)
	missing := new(Missing)
	if !errors.As(err, &missing) {
		t.Fatalf("error %v, want something to be missing", err)
	}
	said := missing.what + "\n" + missing.hint
	if !strings.Contains(said, words) || strings.Contains(said, "go build fails") {
		t.Errorf("the check says:\n%s\nwant %q", said, words)
	}
}

// wantDone fails the test unless the check passes, and the lesson is recorded as done.
func wantDone(t *testing.T, l *Lesson, s *Student, dir string) {
	t.Helper()
	testkit.Check(t, check(l, s, dir))
	p, err := s.Progress()
	testkit.Check(t, err)
	if !strings.Contains(fmt.Sprint(p.Done), fmt.Sprint(l.Number)) {
		t.Errorf("done: %v", p.Done)
	}
}
