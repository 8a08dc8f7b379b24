package stack

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/layers"
	"github.com/minictr/minictr/layers/index"
	"golang.org/x/sys/unix"
)

// FuzzStack makes a layer of any entries, a line each: a type, a name, NUL and a body
// or target. Its stack is the tree that layers.Unpack makes, and what one of them
// refuses, the other refuses.
func FuzzStack(f *testing.F) {
	for _, seed := range []string{
		"5a\x00\n0a/b\x00text\n2c\x00a\n0c/d\x00x\n1e\x00a/b\n",
		"5d/e/f\x00\n0d/.wh.e\x00\n0.wh.g\x00\n5g\x00\n0d/.wh..wh..opq\x00\n",
		"2a\x00/b\n5b\x00\n0a/x\x00y\n0a\x00z\n1l\x00a\n5a\x00\n6p\x00\n3n\x00\n",
		"0.wh..wh.plnk/1\x00x\n1a\x00.wh..wh.plnk/1\n1b\x00a\n0c/../d\x00\n0\x00x\n",
		"0a\x00x\n1b\x00a\n1a\x00b\n0./c//d/\x00y\n0/e\x00z\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		testkit.NeedRoot(t)
		layer := scriptTar(script)
		dir := filepath.Join(t.TempDir(), "l")
		_, unpacked := layers.Unpack(t.Context(), bytes.NewReader(layer), dir)
		x, err := index.Read(t.Context(), bytes.NewReader(layer))
		var s *Stack
		if err == nil {
			s, err = New(x)
		}
		if (unpacked == nil) != (err == nil) {
			t.Fatalf("unpack: %v; stack: %v", unpacked, err)
		}
		if err == nil {
			testkit.Equal(t, "stack", listNodes(s), listTree(t, filepath.Join(dir, "diff")))
		}
	})
}

// scriptTar makes a tar of the entries that archive/tar can write.
func scriptTar(script []byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for line := range strings.SplitSeq(string(script), "\n") {
		if line == "" {
			continue
		}
		name, rest, _ := strings.Cut(line[1:], "\x00")
		h := &tar.Header{Typeflag: line[0], Name: name, Mode: int64(len(rest)), Devmajor: 1, Devminor: 3}
		switch h.Typeflag {
		case tar.TypeReg:
			h.Size = int64(len(rest))
		case tar.TypeLink, tar.TypeSymlink:
			h.Linkname = rest
		}
		if w.WriteHeader(h) == nil && h.Size > 0 {
			w.Write([]byte(rest))
		}
	}
	w.Close()
	return b.Bytes()
}

// listNodes lists the names of a stack with type, mode, size, target and link count.
func listNodes(s *Stack) string {
	var all []string
	s.Root.walk(func(n *Node) {
		line := fmt.Sprintf("%q %c %o", n.Path(), n.Kind, n.Mode)
		switch n.Kind {
		case index.File:
			line += fmt.Sprintf(" %d %d", n.Inode.Size, n.Links)
		case index.Symlink:
			line = fmt.Sprintf("%q l %q", n.Path(), n.Target)
		}
		all = append(all, line)
	})
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// listTree lists an unpacked layer in the same way, without its whiteouts.
func listTree(t *testing.T, root string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(path, root), "/")
		kind := func(k index.Kind) string { return fmt.Sprintf("%q %c %o", name, k, st.Mode&0o7777) }
		var line string
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			line = kind(index.File) + fmt.Sprintf(" %d %d", st.Size, st.Nlink)
		case unix.S_IFLNK:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			line = fmt.Sprintf("%q l %q", name, to)
		case unix.S_IFDIR:
			line = kind(index.Directory)
		case unix.S_IFIFO:
			line = kind(index.FIFO)
		case unix.S_IFBLK:
			line = kind(index.Block)
		case unix.S_IFCHR:
			if st.Rdev == 0 {
				return nil
			}
			line = kind(index.Char)
		}
		all = append(all, line)
		return nil
	})
	testkit.Check(t, err)
	slices.Sort(all)
	return strings.Join(all, "\n")
}
