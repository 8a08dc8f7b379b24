package layers

// Rows 20, 21 and 22 of HARDENING.md, and the fuzzing of tar entries. The
// oracle: beside the layer is a canary, a directory with a file that hostile entries
// try to change. Its content, mode, owner, time and attributes must not change, and
// no file may appear beside it.

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// canary makes the directory outside, and returns it with a function that fails the
// test if anything in it has changed.
func canary(t testing.TB) (outside string, check func()) {
	t.Helper()
	outside = filepath.Join(t.TempDir(), "outside")
	testkit.Check(t, os.Mkdir(outside, 0o750))
	testkit.Check(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("canary"), 0o640))
	before := state(t, outside)
	return outside, func() {
		t.Helper()
		if after := state(t, outside); after != before {
			t.Fatalf("outside the layer:\n%s\nit was:\n%s", after, before)
		}
	}
}

func state(t testing.TB, root string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		text := ""
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(data)
		}
		_, err = fmt.Fprintf(&all, "%s %o %d:%d n%d %d.%d %q %s\n", path, st.Mode, st.Uid, st.Gid,
			st.Nlink, st.Mtim.Sec, st.Mtim.Nsec, text, xattrs(t, path))
		return err
	})
	testkit.Check(t, err)
	return all.String()
}

func TestTarStaysInDirectory(t *testing.T) {
	testkit.NeedRoot(t)
	outside, check := canary(t)
	up := strings.Repeat("../", 20)
	mode := func(e entry, mode int64) entry { e.Mode = mode; return e }
	for _, tt := range []struct {
		name    string
		entries []entry
		refused bool // otherwise it is made inside
	}{
		{"dot dot", []entry{file(up+outside+"/new", "x")}, true},
		{"dot dot within", []entry{file("a/../b", "x")}, false},
		{"dot dot within a link", []entry{symlink("a", outside), file("a/../secret", "x")}, false},
		{"dot dot beyond", []entry{file("a/../"+up+outside[1:]+"/secret", "x")}, true},
		{"pseudolink to outside",
			[]entry{symlink(".wh..wh.plnk/1", outside+"/secret"), link("a", ".wh..wh.plnk/1")}, true},
		{"pseudolink up", []entry{file(".wh..wh.plnk/../../x", "x"), link("a", ".wh..wh.plnk/../../x")}, true},
		{"link without a name", []entry{symlink("", outside), file("secret", "x")}, false},
		{"dot dot alone", []entry{dir("..")}, true},
		{"absolute name", []entry{file(outside+"/secret", "x")}, false},
		{"link to outside, written through", []entry{symlink("a", outside), file("a/new", "x")}, true},
		{"link up, written through", []entry{symlink("a", up+outside[1:]), file("a/secret", "x")}, true},
		{"file through a link of its name", []entry{symlink("a", outside+"/secret"), file("a", "x")}, false},
		{"chmod through a link", []entry{symlink("a", outside), mode(dir("a"), 0o777)}, false},
		{"hard link to outside", []entry{link("a", outside+"/secret")}, true},
		{"hard link up", []entry{link("a", up+outside[1:]+"/secret")}, true},
		{"hard link through a link", []entry{symlink("d", outside), link("a", "d/secret")}, true},
		{"hard link to a link", []entry{symlink("s", outside+"/secret"), link("h", "s")}, false},
		{"hard link to a link, then chmod",
			[]entry{symlink("s", outside+"/secret"), link("h", "s"), mode(file("h", "x"), 0o777)}, false},
		{"root is a link", []entry{symlink("/", outside)}, true},
		{"root is a link, spelt otherwise", []entry{symlink("./", outside), file("new", "x")}, true},
		{"root is a file", []entry{file(".", "x")}, true},
		{"whiteout of nothing", []entry{file(".wh.", "")}, true},
		{"whiteout of dot", []entry{file("a/.wh..", "")}, true},
		{"whiteout of dot dot", []entry{file("a/.wh...", "")}, true},
		{"whiteout through a link", []entry{symlink("a", outside), file("a/.wh.secret", "")}, true},
		{"opaque through a link", []entry{symlink("a", outside), file("a/.wh..wh..opq", "")}, true},
		{"whiteout of a link to a directory", []entry{symlink("a", outside), file(".wh.a", "")}, false},
		{"magic link", []entry{symlink("a", "/proc/self/root"+outside), file("a/new", "x")}, true},
		{"directory swapped for a link",
			[]entry{dir("a"), file("a/x", "1"), symlink("a", outside), file("a/secret", "2")}, true},
		{"device through a link", []entry{symlink("a", outside), testkit.Node(tar.TypeChar, "a/dev", 1, 3)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := unpackTo(t, tt.entries...)
			if (err != nil) != tt.refused {
				t.Errorf("got error %v, want refused: %v", err, tt.refused)
			}
			check()
		})
	}
}

// overlayfs would hide, redirect or replace files by these attributes.
func TestOverlayXattrsDropped(t *testing.T) {
	testkit.NeedRoot(t)
	pax := make(map[string]string)
	for _, name := range []string{
		"trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.overlay.metacopy", "trusted.overlay.whiteout",
		"user.overlay.opaque", "user.overlay.redirect", "trusted.x",
		"security.selinux", "security.ima", "system.nfs4_acl",
	} {
		pax[PAXXattr+name] = "y"
	}
	for _, kind := range []byte{tar.TypeReg, tar.TypeDir} {
		tree, err := unpackTo(t, entry{Header: tar.Header{Name: "a", Typeflag: kind, Mode: 0o755, PAXRecords: pax}})
		testkit.Check(t, err)
		testkit.Equal(t, fmt.Sprintf("kind %c: attributes", kind), xattrs(t, filepath.Join(tree, "a")), "")
	}
}

func TestUnpackLimits(t *testing.T) {
	testkit.NeedRoot(t)
	small := Limits{Bytes: 1 << 20, Entries: 10, Names: 100}
	half := strings.Repeat("x", 1<<19)
	many := make([]entry, 11)
	for i := range many {
		many[i] = file(fmt.Sprint(i), "")
	}
	for name, data := range map[string][]byte{
		"a large file":            testkit.Tar(file("a", strings.Repeat("x", 1<<20+1))),
		"several files":           testkit.Tar(file("a", half), file("b", half+"x")),
		"zeros, compressed":       testkit.Gzip(testkit.Tar(file("a", strings.Repeat("\x00", 1<<21)))),
		"zeros after the tar":     testkit.Gzip(append(testkit.Tar(), make([]byte, 1<<21)...)),
		"a sparse file of 8 EiB":  sparseBomb(),
		"many files":              testkit.Tar(many...),
		"many long directories":   testkit.Tar(dir(strings.Repeat("a", 60)), dir(strings.Repeat("b", 60))),
		"pax headers without end": bytes.Repeat(paxHeader(t), 1000),
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "l")
			_, err := unpack(t.Context(), bytes.NewReader(data), dir, small, nil)
			testkit.WantError(t, name, err, "layer")
		})
	}
}

// A gigabyte of zeros in a file uses neither memory nor disk.
func TestUnpackMemoryIsBounded(t *testing.T) {
	testkit.NeedRoot(t)
	const size = 1 << 30
	r, w := io.Pipe()
	go func() {
		archive := tar.NewWriter(w)
		err := archive.WriteHeader(&tar.Header{Name: "zeros", Size: size, Mode: 0o600})
		if err == nil {
			_, err = io.CopyN(archive, endless{}, size)
		}
		w.CloseWithError(errors.Join(err, archive.Close()))
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	dir := filepath.Join(t.TempDir(), "l")
	u, err := Unpack(t.Context(), r, dir)
	runtime.ReadMemStats(&after)
	if err != nil || u.Size != size {
		t.Fatal(u, err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("%d bytes allocated", grown)
	}
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(dir, "diff", "zeros"), &st); err != nil || st.Blocks > 16 {
		t.Errorf("%d blocks (%v)", st.Blocks, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// sparseBomb is an old GNU sparse entry without data, of 8 EiB-1 bytes.
func sparseBomb() []byte {
	h := make([]byte, 512)
	copy(h, "bomb")
	copy(h[100:], "0000644\x000000000\x000000000\x0000000000000\x0000000000000\x00")
	h[156] = 'S'
	copy(h[257:], "ustar  \x00")
	h[483] = 0x80
	binary.BigEndian.PutUint64(h[487:], 1<<63-1)
	copy(h[386:], "00000000000\x0000000000000\x00")
	sum := 8 * int(' ')
	for i, b := range h {
		if i < 148 || i >= 156 {
			sum += int(b)
		}
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return append(h, make([]byte, 1024)...)
}

// paxHeader is an extended header without the entry after it.
func paxHeader(t *testing.T) []byte {
	e := file("a", "")
	e.PAXRecords = map[string]string{"VENDOR.x": strings.Repeat("x", 2000)}
	data := testkit.Tar(e)
	return data[:len(data)-1024-512]
}

// FuzzUnpack unpacks any tar, as a layer and into a tree: that ends, and nothing
// outside changes. A line is an entry: a type, a name, NUL and a body or target.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte("2a\x00OUT\n0a/secret\x00x\n"))
	f.Add([]byte("5a\x00\n1b\x00a/../../OUT/secret\n0.wh.a\x00\n"))
	f.Add([]byte("2a\x00..\n2b\x00a/a/a\n5b\x00\n0b/x\x00y\n3b/d\x00\n"))
	f.Add([]byte("0.wh..wh.plnk/1\x00x\n1a\x00.wh..wh.plnk/1\n0a/../b\x00\n0\x00x\n"))
	f.Add([]byte("0a/b/c\x00x\n2a\x00/\n0a/.wh..wh..opq\x00\n1d\x00a/b\n"))
	f.Fuzz(func(t *testing.T, script []byte) {
		testkit.NeedRoot(t)
		outside, check := canary(t)
		layer := filepath.Join(t.TempDir(), "l")
		var buf bytes.Buffer
		w := tar.NewWriter(&buf)
		for line := range bytes.SplitSeq(script, []byte("\n")) {
			if len(line) < 2 {
				continue
			}
			name, rest, _ := strings.Cut(strings.ReplaceAll(string(line[1:]), "OUT", outside), "\x00")
			h := &tar.Header{Typeflag: line[0], Name: name, Mode: 0o4777, Devmajor: 1, Devminor: 3}
			switch h.Typeflag {
			case tar.TypeReg:
				h.Size = int64(len(rest))
			case tar.TypeLink, tar.TypeSymlink:
				h.Linkname = rest
			}
			if w.WriteHeader(h) == nil && h.Size > 0 {
				io.WriteString(w, rest)
			}
		}
		w.Flush()
		_, err := Unpack(context.Background(), bytes.NewReader(buf.Bytes()), layer)
		check()
		if err == nil {
			inside(t, filepath.Join(layer, "diff"))
		}
		tree, d := beneath(t)
		for range 2 { // the second time into what the first made
			ExtractInto(bytes.NewReader(buf.Bytes()), d)
		}
		check()
		inside(t, tree)
	})
}

// inside fails if a file of the tree has a name outside.
func inside(t *testing.T, tree string) {
	links := make(map[uint64]uint64)
	counts := make(map[uint64]uint64)
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		links[st.Ino]++
		counts[st.Ino] = uint64(st.Nlink)
		return nil
	})
	testkit.Check(t, err)
	for ino, n := range links {
		if counts[ino] != n {
			t.Fatalf("inode %d has %d names, %d of them in the layer", ino, counts[ino], n)
		}
	}
}

// FuzzTar unpacks any bytes.
func FuzzTar(f *testing.F) {
	f.Add(testkit.Tar(dir("a"), file("a/b", "x"), symlink("c", "a"), link("c/d", "a/b"), file("a/.wh.b", "")))
	f.Add(sparseBomb())
	f.Add(testkit.Gzip(testkit.Tar(file("a", "x"))))
	addSmallBlobs(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		testkit.NeedRoot(t)
		_, check := canary(t)
		limits := Limits{Bytes: 1 << 20, Entries: 100, Names: 1 << 10}
		unpack(context.Background(), bytes.NewReader(data), filepath.Join(t.TempDir(), "l"), limits, nil)
		check()
	})
}
