package layers

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

type entry = testkit.Entry

func file(name, body string) entry  { return testkit.File(name, 0o644, body) }
func dir(name string) entry         { return testkit.Dir(name, 0o755) }
func symlink(name, to string) entry { return testkit.Link(name, to) }
func link(name, to string) entry {
	return entry{Header: tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeLink}}
}

// unpackTo unpacks a layer and returns its tree.
func unpackTo(t testing.TB, entries ...entry) (tree string, err error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layer")
	_, err = Unpack(context.Background(), bytes.NewReader(testkit.Tar(entries...)), dir)
	return filepath.Join(dir, "diff"), err
}

// show lists a tree, one word a file: a/ is a directory, a! an opaque one, a- a
// whiteout, a>b a symbolic link, a=text a file.
func show(t testing.TB, tree string) string {
	t.Helper()
	var words []string
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == tree {
			return err
		}
		name := strings.TrimPrefix(path, tree+"/")
		switch d.Type() {
		case fs.ModeDir:
			var y [1]byte
			if n, _ := unix.Getxattr(path, opaqueXattr, y[:]); n == 1 {
				name += "!"
			} else {
				name += "/"
			}
		case fs.ModeSymlink:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			name += ">" + to
		case 0:
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name += "=" + string(text)
		default:
			var st unix.Stat_t
			if err := unix.Lstat(path, &st); err != nil {
				return err
			}
			name += "?"
			if isWhiteout(&st) {
				name = strings.TrimSuffix(name, "?") + "-"
			}
		}
		words = append(words, name)
		return nil
	})
	testkit.Check(t, err)
	return strings.Join(words, " ")
}

// The entries of a layer become this tree.
func TestTree(t *testing.T) {
	testkit.NeedRoot(t)
	for _, tt := range []struct {
		name    string
		entries []entry
		want    string
	}{
		{"parents without entries", []entry{file("a/b/c", "x")}, "a/ a/b/ a/b/c=x"},
		{"absolute and unclean names",
			[]entry{file("/a", "1"), file("./b", "2"), file(".//c/./d", "3")}, "a=1 b=2 c/ c/d=3"},
		{"dot dot within a name",
			[]entry{file("a/../b", "1"), file("/../c", "2"), file("d/../.wh.e", "")}, "b=1 c=2 e-"},
		{"dot dot within the name of a link", []entry{file("a/b", "1"), link("c", "a/x/../b")}, "a/ a/b=1 c=1"},
		{"an entry without a name", []entry{file("", "1"), symlink("", "/"), file("a", "2")}, "a=2"},
		{"whiteout", []entry{file(".wh.a", ""), file("d/.wh.b", "")}, "a- d/ d/b-"},
		{"opaque", []entry{dir("a"), file("a/.wh..wh..opq", ""), file("a/x", "1")}, "a! a/x=1"},
		{"opaque last", []entry{file("a/x", "1"), file("a/.wh..wh..opq", "")}, "a! a/x=1"},
		{"whiteout, then the file", []entry{file(".wh.a", ""), file("a", "1")}, "a=1"},
		{"file, then its whiteout", []entry{file("a", "1"), file(".wh.a", "")}, "a=1"},
		{"whiteout, then a directory", []entry{file(".wh.a", ""), dir("a"), file("a/x", "1")}, "a! a/x=1"},
		{"directory, then its whiteout", []entry{dir("a"), file("a/x", "1"), file(".wh.a", "")}, "a! a/x=1"},
		{"whiteout, then a directory without an entry",
			[]entry{file(".wh.a", ""), file("a/b/x", "1")}, "a! a/b/ a/b/x=1"},
		{"whiteout twice", []entry{file(".wh.a", ""), file(".wh.a", "")}, "a-"},
		{"metadata of aufs", []entry{dir(".wh..wh.plnk"), file(".wh..wh.plnk/1.2", "x"), file("a", "1")}, "a=1"},
		{"hard links of aufs", []entry{dir(".wh..wh.plnk"), file(".wh..wh.plnk/1.2", "x"),
			link("a", ".wh..wh.plnk/1.2"), link("d/b", "/.wh..wh.plnk/1.2")}, "a=x d/ d/b=x"},
		{"file twice", []entry{file("a", "1"), file("a", "2")}, "a=2"},
		{"file for a directory", []entry{file("a/b/c", "1"), file("a", "2")}, "a=2"},
		{"directory for a file",
			[]entry{file("a", "1"), file("b", "1"), dir("a"), file("a/x", "2")}, "a/ a/x=2 b=1"},
		{"directory twice keeps its files", []entry{file("a/x", "1"), dir("a")}, "a/ a/x=1"},
		{"link for a directory, in the cached directory",
			[]entry{file("a/b/c", "1"), symlink("a/b", "/z"), file("y", "1")}, "a/ a/b>/z y=1"},
		{"through a link",
			[]entry{dir("usr/lib"), symlink("lib", "usr/lib"), file("lib/x", "1")},
			"lib>usr/lib usr/ usr/lib/ usr/lib/x=1"},
		{"hard link", []entry{file("a/x", "1"), link("b", "/a/x")}, "a/ a/x=1 b=1"},
		{"hard link for a file", []entry{file("a", "1"), file("b", "2"), link("b", "a")}, "a=1 b=1"},
		{"bytes that are not UTF-8", []entry{file("\xff\n\\", "1")}, "\xff\n\\=1"},
		{"nothing", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree, err := unpackTo(t, tt.entries...)
			testkit.Check(t, err)
			testkit.Equal(t, "the tree", show(t, tree), tt.want)
		})
	}
}

func TestRefused(t *testing.T) {
	testkit.NeedRoot(t)
	for _, tt := range []struct {
		name    string
		entries []entry
		word    string // in the error
	}{
		{"hard link to a lower layer", []entry{link("b", "a")}, `link to "a" in this layer`},
		{"hard link of aufs to no file", []entry{dir(".wh..wh.plnk"), link("a", ".wh..wh.plnk/1.2")}, "no such file"},
		{"hard link up", []entry{file("a", "1"), link("b", "../a")}, `begins with ".."`},
		{"hard link to itself", []entry{file("a", "1"), link("a", "a")}, "link to"},
		{"hard link to a directory", []entry{dir("a"), link("b", "a")}, "not permitted"},
		{"a parent that is a file", []entry{file("a", "1"), file("a/b", "2")}, "not a directory"},
		{"a parent that is a loop", []entry{symlink("a", "b"), symlink("b", "a"), file("a/x", "1")}, "symbolic links"},
		{"a parent that is a dangling link", []entry{symlink("a", "b"), file("a/x", "1")}, "not a directory"},
		{"a long name", []entry{file(strings.Repeat("n", 256), "")}, "too long"},
		{"a device number out of range", []entry{testkit.Node(tar.TypeChar, "d", 1<<32, 1)}, "device 4294967296:1"},
		{"an owner of 33 bits", []entry{{Header: tar.Header{Name: "a", Uid: 1 << 32}}}, "32-bit"},
		{"an owner of -1", []entry{{Header: tar.Header{Name: "a", Gid: 1<<32 - 1}}}, "32-bit"},
		{"an unknown type", []entry{{Header: tar.Header{Name: "a", Typeflag: 'Z'}}}, "unknown entry type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := unpackTo(t, tt.entries...)
			testkit.WantError(t, tt.name, err, tt.word)
		})
	}
}

// Owner, mode, time and attributes of each type of entry.
func TestAttributes(t *testing.T) {
	testkit.NeedRoot(t)
	when := time.Unix(1234567890, 123456789)
	capability := "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	header := func(name string, kind byte, mode int64) entry {
		return entry{Header: tar.Header{Name: name, Typeflag: kind, Mode: mode, Linkname: "nowhere",
			Uid: 3000000, Gid: 12345, ModTime: when, Format: tar.FormatPAX}}
	}
	plain, dir := header("d/file", tar.TypeReg, 0o4711), header("d", tar.TypeDir, 0o3775)
	plain.Linkname, dir.Linkname = "", ""
	plain.PAXRecords = map[string]string{
		"SCHILY.xattr.security.capability":    capability,
		"SCHILY.xattr.user.colour":            "blue",
		"SCHILY.xattr.user.overlay.opaque":    "y",
		"SCHILY.xattr.trusted.overlay.opaque": "y",
		"SCHILY.xattr.security.selinux":       "x",
	}
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	null := header("d/null", tar.TypeChar, 0o666)
	null.Devmajor, null.Devminor, null.Linkname = 1, 3, ""
	tree, err := unpackTo(t, dir, plain, null,
		header("d/link", tar.TypeSymlink, 0o777), header("d/fifo", tar.TypeFifo, 0o622))
	testkit.Check(t, err)
	for name, mode := range map[string]uint32{
		"d": unix.S_IFDIR | 0o3775, "d/file": unix.S_IFREG | 0o4711, "d/link": unix.S_IFLNK | 0o777,
		"d/fifo": unix.S_IFIFO | 0o622, "d/null": unix.S_IFCHR | 0o666,
	} {
		var st unix.Stat_t
		testkit.Check(t, unix.Lstat(filepath.Join(tree, name), &st))
		got := fmt.Sprintf("%o %d:%d %d.%d", st.Mode, st.Uid, st.Gid, st.Mtim.Sec, st.Mtim.Nsec)
		testkit.Equal(t, name, got, fmt.Sprintf("%o 3000000:12345 1234567890.123456789", mode))
		if name == "d/null" && st.Rdev != unix.Mkdev(1, 3) {
			t.Errorf("device %x", st.Rdev)
		}
	}
	testkit.Equal(t, "attributes", xattrs(t, filepath.Join(tree, "d/file")), "security.capability user.colour")
}

// A directory and a file keep their ACLs: user 1000 may read the file, and new files in the
// directory.
func TestACLs(t *testing.T) {
	testkit.NeedRoot(t)
	const (
		access = "\x02\x00\x00\x00" + // version 2 (linux/posix_acl_xattr.h): tag, permissions, ID
			"\x01\x00\x06\x00\xff\xff\xff\xff" + "\x02\x00\x04\x00\xe8\x03\x00\x00" + // u::rw-, u:1000:r--
			"\x04\x00\x00\x00\xff\xff\xff\xff" + "\x10\x00\x04\x00\xff\xff\xff\xff" + // g::---, m::r--
			"\x20\x00\x00\x00\xff\xff\xff\xff" // o::---
		name = "system.posix_acl_"
	)
	f, d := file("d/f", "x"), dir("d")
	f.Mode, f.PAXRecords = 0o640, map[string]string{PAXXattr + name + "access": access}
	d.PAXRecords = map[string]string{PAXXattr + name + "default": access}
	tree, err := unpackTo(t, d, f)
	testkit.Check(t, err)
	for path, kind := range map[string]string{"d": "default", "d/f": "access"} {
		value := make([]byte, 256)
		n, err := unix.Lgetxattr(filepath.Join(tree, path), name+kind, value)
		testkit.Check(t, err)
		testkit.Equal(t, path, string(value[:n]), access)
	}
	var st unix.Stat_t
	testkit.Check(t, unix.Stat(filepath.Join(tree, "d/f"), &st))
	testkit.Equal(t, "mode", st.Mode&0o7777, 0o640)
}

// Two names of a pseudolink are one file, and nothing but the layer is left.
func TestPseudolinkIsOneFile(t *testing.T) {
	testkit.NeedRoot(t)
	const pseudolink = ".wh..wh.plnk/1.2"
	tree, err := unpackTo(t, file(pseudolink, "x"), link("a", pseudolink), link("b", pseudolink))
	testkit.Check(t, err)
	inside(t, tree)
	left, err := os.ReadDir(filepath.Dir(tree))
	testkit.Check(t, err)
	var names []string
	for _, e := range left {
		names = append(names, e.Name())
	}
	testkit.Equal(t, "beside the tree", strings.Join(names, " "), "diff size")
}

func xattrs(t testing.TB, path string) string {
	buf := make([]byte, 4096)
	n, err := unix.Llistxattr(path, buf)
	testkit.Check(t, err)
	return strings.Join(strings.FieldsFunc(string(buf[:n]), func(r rune) bool { return r == 0 }), " ")
}

func TestSparse(t *testing.T) {
	testkit.NeedRoot(t)
	hole := strings.Repeat("\x00", 1<<20)
	for name, body := range map[string]string{
		"middle": "head" + hole + "tail", "end": "head" + hole, "all": hole, "short": "\x00", "empty": "",
		"none": strings.Repeat("x", 300_000), "edge": strings.Repeat("x", block) + strings.Repeat("\x00", block) + "x",
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := unpackTo(t, file("f", body))
			testkit.Check(t, err)
			got, err := os.ReadFile(filepath.Join(tree, "f"))
			if err != nil || string(got) != body {
				t.Fatalf("content differs: %d bytes, want %d (%v)", len(got), len(body), err)
			}
			var st unix.Stat_t
			testkit.Check(t, unix.Stat(filepath.Join(tree, "f"), &st))
			if strings.Contains(body, hole) && st.Blocks*512 > 64<<10 {
				t.Errorf("%d bytes on disk for a hole", st.Blocks*512)
			}
		})
	}
}

// tar(1) writes the holes of a file in four ways. The file has more holes than fit
// into one header.
func TestSparseEntries(t *testing.T) {
	testkit.NeedRoot(t)
	testkit.NeedTool(t, "tar")
	const holes, length = 30, 64 << 10
	body := strings.Repeat("data"+strings.Repeat("\x00", length-4), holes)
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "f"))
	testkit.Check(t, err)
	defer f.Close()
	for i := range holes {
		if _, err := f.WriteAt([]byte("data"), int64(i*length)); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Check(t, f.Truncate(holes*length))
	for _, format := range []string{
		"--format=gnu", "--format=posix --sparse-version=0.0",
		"--format=posix --sparse-version=0.1", "--format=posix --sparse-version=1.0",
	} {
		t.Run(format, func(t *testing.T) {
			cmd := exec.Command("tar", append([]string{"-C", dir, "-S", "-c", "f"}, strings.Fields(format)...)...)
			layer, err := cmd.Output()
			if err != nil || len(layer) > len(body)/2 {
				t.Fatalf("tar: %d bytes, %v", len(layer), err)
			}
			out := filepath.Join(t.TempDir(), "layer")
			u, err := Unpack(t.Context(), bytes.NewReader(layer), out)
			testkit.Check(t, err)
			got, err := os.ReadFile(filepath.Join(out, "diff", "f"))
			if err != nil || string(got) != body {
				t.Errorf("content differs: %d bytes, want %d (%v)", len(got), len(body), err)
			}
			var st unix.Stat_t
			err = unix.Stat(filepath.Join(out, "diff", "f"), &st)
			if err != nil || st.Blocks*512 > int64(len(body)/2) {
				t.Errorf("%d bytes on disk (%v)", st.Blocks*512, err)
			}
			testkit.Equal(t, "size", u.Size, int64(len(body)))
		})
	}
}

// Corrupt and truncated archives are errors, compressed or not.
func TestDamaged(t *testing.T) {
	testkit.NeedRoot(t)
	whole := testkit.Tar(file("a", strings.Repeat("x", 5000)))
	for name, data := range map[string][]byte{
		"cut off":       whole[:3000],
		"gzip, cut off": testkit.Gzip(whole)[:40],
		"no tar":        bytes.Repeat([]byte("no tar"), 1000),
		"bad gzip":      []byte("\x1f\x8b not so"),
		"bad zstd":      []byte("\x28\xb5\x2f\xfd not so"),
	} {
		if _, err := Unpack(t.Context(), bytes.NewReader(data), filepath.Join(t.TempDir(), "l")); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCancelled(t *testing.T) {
	testkit.NeedRoot(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Unpack(ctx, bytes.NewReader(testkit.Tar(file("a", "1"))), filepath.Join(t.TempDir(), "l"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
