package logs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

func openWriter(t testing.TB, dir string, maximum int64) *Writer {
	t.Helper()
	w, err := OpenWriter(dir, maximum)
	testkit.Check(t, err)
	t.Cleanup(func() { w.Close() })
	return w
}

func writeFrames(t testing.TB, w *Writer, s ...string) {
	t.Helper()
	for _, f := range output(s).frames() {
		testkit.Check(t, w.Write(f.stream, f.time, f.data))
	}
}

func content(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	testkit.Check(t, err)
	return data
}

// TestFormat: the format is fixed, for other programs read and write it.
func TestFormat(t *testing.T) {
	dir := t.TempDir()
	w := openWriter(t, dir, Maximum)
	testkit.Check(t, w.Write(Stderr, time.Unix(1, 2), []byte("abc")))
	want := []byte{0: 1, 8: 2, 16: 2, 24: 3, 32: 'a', 'b', 'c'} // in the byte order of amd64 and arm64
	if got := content(t, dir, Current); !bytes.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestRotation: a log that has reached its maximum is renamed before the next frame, which
// is never split, and there are at most two files.
func TestRotation(t *testing.T) {
	dir := t.TempDir()
	w := openWriter(t, dir, 2*(HeaderSize+2)) // two frames
	for n := range 5 {
		writeFrames(t, w, fmt.Sprintf("1%d\n", n))
	}
	if got := content(t, dir, Older); string(data(t, got)) != "2\n3\n" {
		t.Errorf("the older file is %q", got)
	}
	if got, err := show(t, dir, Options{Tail: -1}); err != nil || got != "2\n3\n4\n" {
		t.Errorf("%q, %v", got, err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 2 {
		t.Errorf("%v, %v", names, err)
	}
}

// data returns the contents of a file without the headers.
func data(t *testing.T, file []byte) (data []byte) {
	t.Helper()
	for len(file) > 0 {
		f, n, ok := parse(file)
		if !ok || n == 0 {
			t.Fatalf("not a frame: %q", file)
		}
		data, file = append(data, f.data...), file[n:]
	}
	return data
}

// TestWriterContinues: a writer appends to the log of another one.
func TestWriterContinues(t *testing.T) {
	dir := t.TempDir()
	writeFrames(t, openWriter(t, dir, Maximum), "1a\n")
	writeFrames(t, openWriter(t, dir, Maximum), "1b\n")
	if got, err := show(t, dir, Options{Tail: -1}); err != nil || got != "a\nb\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWriteMoreThanAFrame(t *testing.T) {
	dir := t.TempDir()
	text := strings.Repeat("0123456789abcde\n", MaxFrame/8)
	writeFrames(t, openWriter(t, dir, Maximum), "1"+text)
	if got, err := show(t, dir, Options{Tail: -1}); err != nil || got != text {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestRepair: whatever is at the end of a log, complete frames stay, and what is written
// later can be read.
func TestRepair(t *testing.T) {
	whole := output{"1a\n", "2b\n"}.bytes()
	for name, rest := range map[string]string{
		"nothing":        "",
		"half a header":  string(whole[:10]),
		"half a frame":   string(whole[:HeaderSize+1]),
		"zeros":          strings.Repeat("\x00", 4096),
		"text and frame": strings.Repeat("text", 10) + string(whole),
	} {
		dir := t.TempDir()
		put(t, dir, Current, append(bytes.Clone(whole), rest...))
		if lost, err := Repair(dir); err != nil || lost != int64(len(rest)) {
			t.Errorf("%s: %d bytes lost, %v", name, lost, err)
		}
		writeFrames(t, openWriter(t, dir, Maximum), "1c\n")
		if got, err := show(t, dir, Options{Tail: -1}); err != nil || got != "a\n<b\n>c\n" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if lost, err := Repair(t.TempDir()); err != nil || lost != 0 {
		t.Errorf("no log: %d bytes lost, %v", lost, err)
	}
}

// TestDiskFull: on a full disk a frame is dropped whole, without waiting; what was there
// stays readable, and what comes later is, too. The disk is a tmpfs in a new mount
// namespace.
func TestDiskFull(t *testing.T) {
	testkit.NeedRoot(t)
	disk := os.Getenv("MINICTR_TEST_SMALL_DISK")
	if disk == "" {
		again := exec.Command(os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
		again.Env = append(os.Environ(), "MINICTR_TEST_SMALL_DISK="+t.TempDir())
		again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
		if out, err := again.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS")) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	testkit.Check(t, unix.Mount("tmpfs", disk, "tmpfs", 0, "size=128k"))
	put(t, disk, "ballast", make([]byte, 64<<10))

	w := openWriter(t, disk, Maximum)
	line := strings.Repeat("x", 9999) + "\n"
	var want strings.Builder
	var failed error
	for failed == nil {
		if failed = w.Write(Stdout, start, []byte(line)); failed == nil {
			want.WriteString(line)
		}
	}
	if !errors.Is(failed, ErrDropped) || !errors.Is(failed, unix.ENOSPC) {
		t.Errorf("a full disk: %v", failed)
	}
	expect(t, disk, want.String())

	testkit.Check(t, os.Remove(filepath.Join(disk, "ballast")))
	writeFrames(t, w, "1again\n")
	expect(t, disk, want.String()+"again\n")
}

// expect fails unless the log is want.
func expect(t *testing.T, dir, want string) {
	t.Helper()
	if got, err := show(t, dir, Options{Tail: -1}); err != nil || got != want {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
	}
}
