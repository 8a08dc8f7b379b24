package machine

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is quoted is what a shell makes of it.
func TestQuote(t *testing.T) {
	words := []string{"a b", "it's", "", "$HOME `id` \\", "two\nlines", "*"}
	out, err := exec.Command("sh", "-c", `printf '%s\0' `+quote(words)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); !slices.Equal(got, words) {
		t.Errorf("%q became %q", words, got)
	}
}

// cpio(1) unpacks what archive has packed.
func TestArchive(t *testing.T) {
	if err := installed("cpio"); err != nil {
		t.Skip(err)
	}
	var a archive
	files := map[string]string{"dir/one": "1", "dir/four": "four", "empty": ""}
	a.add(folder, "dir", nil)
	for name, data := range files {
		a.add(program, name, []byte(data))
	}
	a.add(link, "dir/link", []byte("one"))
	a.add(0, "TRAILER!!!", nil)

	dir := t.TempDir()
	cmd := exec.Command("cpio", "--extract", "--quiet")
	cmd.Dir, cmd.Stdin = dir, &a
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files["dir/link"] = "1"
	for name, data := range files {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != data {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "empty")); err != nil || info.Mode() != 0o755 {
		t.Errorf("empty: %v, %v", info, err)
	}
}

// A mark is found wherever it stands in a line, others are passed over, and a
// machine that ends too early is quoted.
func TestConsole(t *testing.T) {
	c := newConsole()
	c.read(strings.NewReader("noise\r\nmark: one\r\nsh: mark: two\r\nKernel panic\r\n"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if at, err := c.wait(ctx, "two"); err != nil || time.Since(at) > time.Minute {
		t.Errorf("%v, %v", at, err)
	}
	if _, err := c.wait(ctx, "three"); err == nil || !strings.Contains(err.Error(), "Kernel panic") {
		t.Errorf("the end is told as: %v", err)
	}
}

// follower reads what another writes, also if that begins later.
func TestFollower(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "console")
	begun := make(chan time.Time, 1)
	c := newConsole()
	go c.read(&follower{ctx: ctx, path: path, begun: begun})
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	<-begun
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
	<-c.ended
}

// The box that is measured has the workload of today.
func TestSameWorkload(t *testing.T) {
	dir := t.TempDir()
	today := filepath.Join(dir, "today")
	if err := sameWorkload(filepath.Join(dir, "box"), today); err == nil || !strings.Contains(err.Error(), "scripts/box makes it") {
		t.Errorf("without a box: %v", err)
	}
	for box, content := range map[string]string{"same": "program", "other": "older program"} {
		folder := filepath.Join(dir, box)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, file := range [...]struct{ name, data string }{{today, "program"}, {filepath.Join(folder, "workload"), content}} {
			if err := os.WriteFile(file.name, []byte(file.data), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := sameWorkload(folder, today); (err == nil) != (box == "same") {
			t.Errorf("%s: %v", box, err)
		}
	}
}
