package layers

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// stack unpacks layers, bottom first, into a store.
func stack(t testing.TB, tars ...[]entry) (*Store, []digest.Digest) {
	t.Helper()
	testkit.NeedRoot(t)
	s := New(filepath.Join(t.TempDir(), "layers"))
	var ids []digest.Digest
	for i, entries := range tars {
		// i distinguishes layers of the same entries
		data := append(testkit.Tar(entries...), byte(i))
		u, err := Unpack(t.Context(), bytes.NewReader(data), filepath.Join(t.TempDir(), "l"))
		testkit.Check(t, err)
		testkit.Check(t, s.Commit(u))
		ids = append(ids, u.DiffID)
	}
	return s, ids
}

// Open opens the file that the kernel's overlay shows.
func TestOpen(t *testing.T) {
	bottom := []entry{
		file("etc/passwd", "lower"), file("etc/group", "lower"), file("gone/x", "x"), file("masked/x", "x"),
		file("was-directory/x", "x"), file("was-file", "x"), symlink("link", "/etc"), file("deep/a/b/c", "deep"),
		dir("target"), symlink("shadow", "target"),
	}
	top := []entry{
		file("etc/passwd", "upper"), file(".wh.gone", ""),
		dir("masked"), file("masked/.wh..wh..opq", ""), file("masked/y", "y"),
		file("was-directory", "now a file"), file("was-file/x", "now a directory"), file("etc/.wh.group", ""),
		symlink("abs", "/link/passwd"), symlink("rel", "deep/../link/passwd"), symlink("up", "../../../etc/passwd"),
		symlink("loop", "loop"), symlink("directory", "/etc/"), symlink("dangling", "/nowhere"), symlink("root", "/"),
		file("deep/a/z", "z"),
		testkit.Node(tar.TypeFifo, "fifo", 0, 0), testkit.Node(tar.TypeChar, "zero", 1, 5),
	}
	s, ids := stack(t, bottom, top)
	mount := mountOverlay(t, s, ids)
	for _, name := range []string{
		"/etc/passwd", "etc/passwd", "/etc/group", "/gone/x", "/masked/x", "/masked/y",
		"/was-directory", "/was-directory/x", "/was-file", "/was-file/x",
		"/abs", "/rel", "/up", "/loop", "/directory/passwd", "/dangling", "/root/etc/passwd", "/link/passwd",
		"/deep/a/b/c", "/deep/a/z", "/deep/a/b/../z",
		"/etc", "/", "", "/etc/passwd/x", "/./etc/./passwd", "//etc//passwd", "/../../etc/passwd",
	} {
		got, want := read(s.Open(ids, name)), read(openIn(mount, name))
		if (got.err == nil) != (want.err == nil) || got.text != want.text {
			t.Errorf("%q: got %q %v, the kernel shows %q %v", name, got.text, got.err, want.text, want.err)
		}
	}
	for _, name := range []string{"/fifo", "/zero"} {
		_, err := s.Open(ids, name)
		testkit.WantError(t, name, err, "not a regular file")
	}
}

type content struct {
	text string
	err  error
}

func read(f *os.File, err error) content {
	if err != nil {
		return content{err: err}
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	return content{string(text), err}
}

// openIn opens a file as a process whose root is the directory.
func openIn(root int, name string) (*os.File, error) {
	name = strings.TrimLeft(name, "/")
	if name == "" {
		return nil, unix.EISDIR
	}
	how := &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC, Resolve: inRoot}
	fd, err := unix.Openat2(root, name, how)
	for err == unix.EAGAIN { // another process renames
		fd, err = unix.Openat2(root, name, how)
	}
	return os.NewFile(uintptr(fd), name), err
}

// mountOverlay mounts a stack, bottom first.
func mountOverlay(t testing.TB, s *Store, ids []digest.Digest) (root int) {
	t.Helper()
	var lower []string
	for _, id := range slices.Backward(ids) {
		lower = append(lower, filepath.Join(s.Dir(), s.Short(id)))
	}
	return testkit.Overlay(t, lower...)
}

// A layer whose root is opaque hides the layers below.
func TestOpaqueRoot(t *testing.T) {
	s, ids := stack(t, []entry{file("a", "1")}, []entry{file(".wh..wh..opq", ""), file("b", "2")})
	if _, err := s.Open(ids, "/a"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("/a: got %v", err)
	}
	if got := s.Visible(ids); len(got) != 1 || got[0] != ids[1] {
		t.Errorf("visible: %v of %v", got, ids)
	}
}

// An image may have a layer twice. The overlay has it once, and shows the same.
func TestLayerTwice(t *testing.T) {
	s, ids := stack(t, []entry{file("a", "1"), file("d/x", "1")},
		[]entry{file(".wh.a", ""), file("d/.wh..wh..opq", ""), file("d/y", "2")})
	root := mountOverlay(t, s, s.Visible([]digest.Digest{ids[0], ids[1], ids[0]}))
	for name, want := range map[string]string{"a": "1", "d/x": "1", "d/y": "2"} {
		if got := read(openIn(root, name)); got.text != want || got.err != nil {
			t.Errorf("%s: %q, %v", name, got.text, got.err)
		}
	}
}

func TestStore(t *testing.T) {
	s, ids := stack(t, []entry{file("a", "123"), link("b", "a")})
	if got, err := s.List(); err != nil || len(got) != 1 || got[0] != ids[0] || !s.Has(ids[0]) {
		t.Fatal(got, err)
	}
	if n, err := s.Size(ids[0]); n != 3 || err != nil {
		t.Errorf("size %d, %v", n, err)
	}
	target, err := filepath.EvalSymlinks(filepath.Join(s.Dir(), s.Short(ids[0])))
	if err != nil || target != s.Path(ids[0]) {
		t.Errorf("short link leads to %s, %v", target, err)
	}
	if err := s.Remove(ids[0], t.TempDir()); err != nil || s.Has(ids[0]) {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(s.Dir(), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
}

func TestDigestCheckedBeforeUse(t *testing.T) {
	s := New("/store/layers")
	long := "sha256:" + digest.Digest(strings.Repeat("a", 63)+"/")
	for _, d := range []digest.Digest{"", "x", "sha256:", "sha256:../../../../etc", long} {
		testkit.Equal(t, d.String(), s.Path(d), "/store/layers/sha256/(invalid)/diff")
	}
}

// Two layers whose diff IDs have a prefix in common cannot both have the short name.
func TestShortNameClash(t *testing.T) {
	s, ids := stack(t, []entry{file("a", "1")})
	clash := digest.NewDigestFromEncoded(digest.SHA256, ids[0].Encoded()[:8]+strings.Repeat("0", 56))
	testkit.WantError(t, "clash", s.Commit(&Unpacked{DiffID: clash, dir: t.TempDir()}), "short name")
	if err := os.RemoveAll(s.home(ids[0])); err != nil { // as a crash would leave it
		t.Fatal(err)
	}
	testkit.Check(t, s.Commit(&Unpacked{DiffID: clash, dir: t.TempDir()}))
}
