package volume

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// copyOf copies a directory into a new one.
func copyOf(t *testing.T, from string) (to string) {
	t.Helper()
	to = t.TempDir()
	source, err := os.Open(from)
	testkit.Check(t, err)
	defer source.Close()
	target, err := os.Open(to)
	testkit.Check(t, err)
	defer target.Close()
	testkit.Check(t, Copy(target, source))
	return to
}

// describe lists all that a copy keeps of a tree: an entry a line.
func describe(t *testing.T, top string) string {
	t.Helper()
	var lines []string
	first := map[uint64]string{}
	testkit.Check(t, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		testkit.Check(t, err)
		var st unix.Stat_t
		testkit.Check(t, unix.Lstat(path, &st))
		name, _ := filepath.Rel(top, path)
		line := fmt.Sprintf("%s %o %d:%d %d.%d", name, st.Mode, st.Uid, st.Gid, st.Mtim.Sec, st.Mtim.Nsec)
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			text, _ := os.Readlink(path)
			line += " -> " + text
		case unix.S_IFREG:
			data, err := os.ReadFile(path)
			testkit.Check(t, err)
			line += fmt.Sprintf(" %d bytes %x", len(data), strings.TrimRight(string(data[:min(len(data), 40)]), "\x00"))
		case unix.S_IFCHR, unix.S_IFBLK:
			line += fmt.Sprintf(" device %x", st.Rdev)
		}
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			if first[st.Ino] == "" {
				first[st.Ino] = name
			}
			line += fmt.Sprintf(" %d links, first %s", st.Nlink, first[st.Ino])
		}
		names := make([]byte, 4096)
		n, err := unix.Llistxattr(path, names)
		testkit.Check(t, err)
		for xattr := range strings.SplitSeq(strings.TrimRight(string(names[:n]), "\x00"), "\x00") {
			value := make([]byte, 4096)
			if n, err := unix.Lgetxattr(path, xattr, value); err == nil {
				line += fmt.Sprintf(" %s=%x", xattr, value[:n])
			}
		}
		lines = append(lines, line)
		return nil
	}))
	return strings.Join(lines, "\n")
}

// TestCopyKeepsAll: owners, modes, times, links, devices, extended attributes, ACLs and file
// capabilities of the copy are those of the source, and so are those of its top directory.
func TestCopyKeepsAll(t *testing.T) {
	testkit.NeedRoot(t)
	from := t.TempDir()
	at := func(name string) string { return filepath.Join(from, name) }
	capabilities := "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	// user::rwx, user:1234:r--, group::r-x, mask::r-x, other::---
	acl := "\x02\x00\x00\x00" + "\x01\x00\x07\x00\xff\xff\xff\xff" + "\x02\x00\x04\x00\xd2\x04\x00\x00" +
		"\x04\x00\x05\x00\xff\xff\xff\xff" + "\x10\x00\x05\x00\xff\xff\xff\xff" + "\x20\x00\x00\x00\xff\xff\xff\xff"
	testkit.Check(t,
		os.MkdirAll(at("a/b/c"), 0o755),
		os.WriteFile(at("a/file"), []byte("text"), 0o600), os.Chown(at("a/file"), 1000, 1001),
		os.WriteFile(at("setuid"), []byte("x"), 0o755), os.Chown(at("setuid"), 7, 8),
		unix.Chmod(at("setuid"), 0o6755), unix.Chmod(at("a/b"), 0o3770), os.Chown(at("a/b"), 5, 6),
		os.Link(at("a/file"), at("a/b/c/again")), os.Link(at("a/file"), at("zzz")),
		os.Symlink("/etc/passwd", at("link")), os.Lchown(at("link"), 3, 4), os.Link(at("link"), at("link2")),
		os.Symlink("nowhere", at("dangling")),
		unix.Mkfifo(at("fifo"), 0o640), unix.Mknod(at("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))),
		os.WriteFile(at("empty"), nil, 0o444), os.WriteFile(at(" -\nodd"), nil, 0o000),
		os.Chown(from, 11, 12), unix.Chmod(from, 0o1750),
	)
	for _, x := range []struct{ file, name, value string }{
		{"setuid", "security.capability", capabilities}, {"a/file", "user.note", "kept"},
		{"a", "trusted.note", "kept"}, {"a/b/c", "system.posix_acl_access", acl},
	} {
		if err := unix.Setxattr(at(x.file), x.name, []byte(x.value), 0); err != nil {
			t.Logf("without %s, which this filesystem does not have: %v", x.name, err)
		}
	}
	old := time.Unix(1e9, 123456789)
	for _, name := range []string{"a/file", "a/b/c", "a/b", "a", "setuid", "."} {
		testkit.Check(t, os.Chtimes(at(name), old, old))
	}
	stamp := []unix.Timespec{unix.NsecToTimespec(old.UnixNano()), unix.NsecToTimespec(old.UnixNano())}
	testkit.Check(t, unix.UtimesNanoAt(unix.AT_FDCWD, at("link"), stamp, unix.AT_SYMLINK_NOFOLLOW))
	want := describe(t, from)
	testkit.Equal(t, "copy", describe(t, copyOf(t, from)), want)
	testkit.Equal(t, "the source", describe(t, from), want)
}

// TestCopyKeepsHoles: a hole takes no space in the copy either, and the bytes around it are the same.
func TestCopyKeepsHoles(t *testing.T) {
	from := t.TempDir()
	const size = 64 << 20
	file, err := os.Create(filepath.Join(from, "sparse"))
	testkit.Check(t, err)
	_, err = file.WriteAt([]byte("begin"), 0)
	testkit.Check(t, err)
	_, err = file.WriteAt([]byte("middle"), 32<<20)
	testkit.Check(t, err)
	testkit.Check(t, file.Truncate(size), file.Close(), os.Truncate(filepath.Join(from, "sparse"), size))
	hole := filepath.Join(from, "hole")
	testkit.Check(t, os.WriteFile(hole, nil, 0o600), os.Truncate(hole, size))
	var st unix.Stat_t
	testkit.Check(t, unix.Stat(filepath.Join(from, "sparse"), &st))
	if st.Blocks*512 > size/2 {
		t.Skip("this filesystem has no holes")
	}
	to := copyOf(t, from)
	for _, name := range []string{"sparse", "hole"} {
		a, b := testkit.ReadFile(t, filepath.Join(from, name)), testkit.ReadFile(t, filepath.Join(to, name))
		testkit.Equal(t, name+" has the same bytes", a == b, true)
		testkit.Check(t, unix.Stat(filepath.Join(to, name), &st))
		if st.Blocks*512 > size/2 {
			t.Errorf("%s: %d bytes on disk", name, st.Blocks*512)
		}
	}
}
