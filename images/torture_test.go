package images

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

const torture = "../../shared/images/torture"

// The overlay of the torture image, from each of its archives, is the tree that
// docker's overlay showed.
func TestTorture(t *testing.T) {
	if testing.Short() {
		t.Skip("loads three archives of eight layers")
	}
	testkit.NeedRoot(t)
	truth, err := os.ReadFile(filepath.Join(torture, "tree.tsv"))
	if err != nil {
		t.Skipf("no torture image: %v", err)
	}
	for _, archive := range []string{"docker.tar.gz", "oci-gzip.tar", "oci-zstd.tar"} {
		t.Run(archive, func(t *testing.T) {
			s := newStore(t)
			mustLoad(t, s, filepath.Join(torture, archive))
			image := mustImage(t, s, "torture:one")
			if got := joinSizes(image.Sizes); got != "4445814,1048587,4,8,13,5,5,0" {
				t.Errorf("layers have %s bytes; docker history says 4.45MB 1.05MB 4B 8B 13B 5B 5B 0B", got)
			}
			root := mountOverlay(t, s, image.Layers)
			compare(t, listTree(t, fmt.Sprintf("/proc/self/fd/%d", root)), string(truth))
			checkWhole(t, s)
		})
	}
}

// mountOverlay mounts a stack of layers, bottom first.
func mountOverlay(t *testing.T, s *Store, stack []digest.Digest) (root int) {
	t.Helper()
	var lower []string
	for _, l := range slices.Backward(stack) {
		lower = append(lower, filepath.Join(s.Layers().Dir(), s.Layers().Short(l)))
	}
	return testkit.Overlay(t, lower...)
}

// compare reports the lines that differ.
func compare(t *testing.T, got, want string) {
	t.Helper()
	has := make(map[string]bool)
	for line := range strings.Lines(got) {
		has[line] = true
	}
	for line := range strings.Lines(want) {
		if !has[line] {
			t.Errorf("missing: %s", line)
		}
		delete(has, line)
	}
	for line := range has {
		t.Errorf("not in docker's: %s", line)
	}
}

// listTree lists a tree in the format of tree.py, beside the archives: path,
// type, mode, owner, size, mtime, first path of a hard link, content, xattrs.
func listTree(t *testing.T, root string) string {
	t.Helper()
	first := make(map[uint64]string)
	var out strings.Builder
	w := bufio.NewWriter(&out)
	for _, path := range walk(t, root) {
		full := root + path
		var st unix.Stat_t
		testkit.Check(t, unix.Lstat(full, &st))
		kind, size, group, body := kindOf(st.Mode), int64(0), "", ""
		mtime := strconv.FormatInt(st.Mtim.Sec, 10)
		switch kind {
		case "dir":
			mtime = "-"
		case "file":
			size = st.Size
			data := testkit.ReadFile(t, full)
			sum := sha256.Sum256([]byte(data))
			body = hex.EncodeToString(sum[:])[:16]
			if st.Nlink > 1 {
				first[st.Ino] = cmp.Or(first[st.Ino], path)
				group = first[st.Ino]
			}
		case "link":
			body, _ = os.Readlink(full)
		case "char", "block":
			body = fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
		}
		fmt.Fprintf(w, "%s\t%s\t0o%o\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", escape(path), kind,
			st.Mode&0o7777, st.Uid, st.Gid, size, mtime, group, body, listXattrs(t, full))
	}
	w.Flush()
	return out.String()
}

// walk lists a tree in the order of Python's os.walk with sorted names: all names of a
// directory, then its subdirectories.
func walk(t *testing.T, root string) (paths []string) {
	t.Helper()
	var visit func(dir string)
	visit = func(dir string) {
		entries, err := os.ReadDir(root + dir)
		testkit.Check(t, err)
		for _, e := range entries {
			// overlayfs lists a whiteout of nothing
			if _, err := os.Lstat(root + dir + "/" + e.Name()); !os.IsNotExist(err) {
				paths = append(paths, dir+"/"+e.Name())
			}
		}
		for _, e := range entries {
			if e.Type() == fs.ModeDir {
				visit(dir + "/" + e.Name())
			}
		}
	}
	visit("")
	return paths
}

func kindOf(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return "dir"
	case unix.S_IFLNK:
		return "link"
	case unix.S_IFCHR:
		return "char"
	case unix.S_IFBLK:
		return "block"
	case unix.S_IFIFO:
		return "fifo"
	}
	return "file"
}

// escape is Python's unicode_escape for the names of the image.
func escape(path string) string {
	var out strings.Builder
	for _, r := range path {
		if r < utf8.RuneSelf {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, `\x%02x`, r)
		}
	}
	return out.String()
}

func listXattrs(t *testing.T, path string) string {
	t.Helper()
	names := make([]byte, 4096)
	n, err := unix.Llistxattr(path, names)
	if err != nil {
		return ""
	}
	var all []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names[:n]), "\x00"), "\x00") {
		if name == "" || strings.HasPrefix(name, "trusted.overlay") || strings.HasPrefix(name, "security.selinux") {
			continue
		}
		value := make([]byte, 65536)
		n, err := unix.Lgetxattr(path, name, value)
		testkit.Check(t, err)
		all = append(all, fmt.Sprintf("%s=%x", name, value[:n]))
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}
