package testkit

import (
	"bytes"
	"compress/gzip"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// Gzip compresses data, fast.
func Gzip(data []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	w.Write(data) // a bytes.Buffer takes all
	w.Close()
	return b.Bytes()
}

// Filter returns what a program makes of data.
func Filter(t testing.TB, data []byte, program string, args ...string) []byte {
	t.Helper()
	NeedTool(t, program)
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	Check(t, err)
	return out
}

// Overlay mounts the directories lower, top first, as the kernel stacks them. It
// returns a descriptor of the root, which is in no mount table.
func Overlay(t testing.TB, lower ...string) (root int) {
	t.Helper()
	if len(lower) == 1 { // overlayfs needs two layers, or an upper one
		lower = append(lower, t.TempDir())
	}
	fs, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		t.Fatalf("fsopen overlay: %v", err)
	}
	defer unix.Close(fs)
	for _, dir := range lower {
		if err := unix.FsconfigSetString(fs, "lowerdir+", dir); err != nil {
			t.Fatalf("fsconfig lowerdir+=%s: %v", dir, err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		t.Fatalf("fsconfig: %v", err)
	}
	root, err = unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY)
	if err != nil {
		t.Fatalf("fsmount: %v", err)
	}
	t.Cleanup(func() { unix.Close(root) })
	return root
}
