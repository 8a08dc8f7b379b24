package cp

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// pair is a container's root and a directory of the host. In both lie the same
// files, each with the name of its side in it:
//
//	file, dir/inner, dir/deep/er, target, tolink → target, dirlink → dir,
//	dangling → new, out → /target
type pair struct {
	host, root string
	container  *Tree
	left       []string
}

func newPair(t *testing.T) *pair {
	t.Helper()
	testkit.NeedRoot(t)
	base := t.TempDir()
	p := &pair{host: filepath.Join(base, "host"), root: filepath.Join(base, "root")}
	for _, side := range []string{p.host, p.root} {
		text := []byte(filepath.Base(side))
		testkit.Check(t, os.MkdirAll(filepath.Join(side, "dir/deep"), 0o755))
		testkit.Check(t, os.Mkdir(filepath.Join(side, "there"), 0o755))
		for _, f := range []string{"file", "dir/inner", "dir/deep/er", "target", "other"} {
			testkit.Check(t, os.WriteFile(filepath.Join(side, f), text, 0o644))
		}
		for name, to := range map[string]string{"tolink": "target", "dirlink": "dir", "dangling": "new",
			"out": "/target"} {
			testkit.Check(t, os.Symlink(to, filepath.Join(side, name)))
		}
		testkit.Check(t, unix.Mkfifo(filepath.Join(side, "fifo"), 0o600))
		testkit.Check(t, unix.Mknod(filepath.Join(side, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	}
	p.container = p.tree(t, nil)
	return p
}

// tree is the container, with a user namespace of these ids.
func (p *pair) tree(t *testing.T, ids []IDs) *Tree {
	t.Helper()
	fd, err := unix.Open(p.root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	testkit.Check(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	return Container(fd, ids, ids)
}

func (p *pair) options() *Options {
	return &Options{
		Skipped:  func(path string, why error) { p.left = append(p.left, path+": "+why.Error()) },
		Progress: func(int) {},
	}
}

// in copies into the container, out the other way; a path of the host begins in
// its directory.
func (p *pair) in(source, target string, o *Options) error {
	return Copy(Host(), p.host+"/"+source, p.container, target, o)
}

func (p *pair) out(source, target string, o *Options) error {
	return Copy(p.container, source, Host(), p.host+"/"+target, o)
}

// look describes a path: the text of a file, > and the target of a link, the names in a
// directory, or "nothing".
func look(path string) string {
	st, err := os.Lstat(path)
	switch {
	case err != nil:
		return "nothing"
	case st.IsDir():
		all, _ := os.ReadDir(path)
		var names []string
		for _, e := range all {
			names = append(names, e.Name())
		}
		return "[" + strings.Join(names, " ") + "]"
	case st.Mode()&fs.ModeSymlink != 0:
		to, _ := os.Readlink(path)
		return ">" + to
	case !st.Mode().IsRegular():
		return st.Mode().Type().String()
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// TestRules: docker's table, both ways. FROM is the other side.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		source, target string
		path, want     string // what is at a path of the target's side; "" and a part of the error
		follow         bool
	}{
		{source: "file", target: "new", path: "new", want: "FROM"},
		{source: "file", target: "other", path: "other", want: "FROM"},
		{source: "file", target: "there", path: "there/file", want: "FROM"},
		{source: "file", target: "there/", path: "there/file", want: "FROM"},
		{source: "file", target: "there/.", path: "there/file", want: "FROM"},
		{source: "file", target: "there/other", path: "there/other", want: "FROM"},
		{source: "file", target: "new/", want: "no such directory"},
		{source: "file", target: "no/new", want: "no such file or directory"},
		{source: "file", target: "other/", want: "not a directory"},
		{source: "file", target: "other/new", want: "not a directory"},
		{source: "file", target: "tolink", path: "target", want: "FROM"},
		{source: "file", target: "tolink", path: "tolink", want: ">target"},
		{source: "file", target: "dangling", path: "new", want: "FROM"},
		{source: "file", target: "dirlink", path: "dir/file", want: "FROM"},
		{source: "file", target: "dirlink/new", path: "dir/new", want: "FROM"},
		{source: "file", target: "fifo", path: "fifo", want: "FROM"},
		{source: "file", target: "null", want: "a device"},
		{source: "file/", target: "new", want: "not a directory"},
		{source: "file/.", target: "new", want: "not a directory"},
		{source: "nothing", target: "new", want: "no such file or directory"},

		{source: "dir", target: "new", path: "new", want: "[deep inner]"},
		{source: "dir", target: "new", path: "new/deep/er", want: "FROM"},
		{source: "dir", target: "new/", path: "new", want: "[deep inner]"},
		{source: "dir/.", target: "new", path: "new", want: "[deep inner]"},
		{source: "dir", target: "there", path: "there/dir", want: "[deep inner]"},
		{source: "dir/", target: "there", path: "there/dir", want: "[deep inner]"},
		{source: "dir/.", target: "there", path: "there", want: "[deep inner]"},
		{source: "dir/deep/..", target: "there", path: "there", want: "[dir]"},
		{source: "dir", target: "dir", path: "dir", want: "[deep dir inner]"},
		{source: "dir/.", target: "dir", path: "dir/inner", want: "FROM"},
		{source: "dir", target: "other", want: "cannot copy a directory onto a file"},
		{source: "dir/.", target: "other", want: "cannot copy a directory onto a file"},
		{source: "dir", target: "no/new", want: "no such file or directory"},
		{source: "dir", target: "tolink", want: "cannot copy a directory onto a file"},
		{source: "dir", target: "dirlink", path: "dir/dir", want: "[deep inner]"},
		{source: "dir", target: "dangling", path: "new", want: "[deep inner]"},

		{source: "tolink", target: "there", path: "there/tolink", want: ">target"},
		{source: "tolink", target: "new", path: "new", want: ">target"},
		{source: "tolink", target: "there", path: "there/tolink", want: "FROM", follow: true},
		{source: "dirlink", target: "new", path: "new", want: ">dir"},
		{source: "dirlink", target: "there", path: "there/dirlink", want: "[deep inner]", follow: true},
		{source: "dirlink/", target: "there", path: "there/dirlink", want: "[deep inner]"},
		{source: "dirlink/.", target: "there", path: "there", want: "[deep inner]"},
		{source: "dirlink/inner", target: "there", path: "there/inner", want: "FROM"},
		{source: "fifo", target: "new", path: "new", want: fs.ModeNamedPipe.String()},
	} {
		for _, way := range []string{"in", "out"} {
			t.Run(fmt.Sprint(way, " ", c.source, " ", c.target, " ", c.follow), func(t *testing.T) {
				p := newPair(t)
				copy, from, side := p.in, "host", p.root
				if way == "out" {
					copy, from, side = p.out, "root", p.host
				}
				o := p.options()
				o.Follow = c.follow
				err := copy(c.source, c.target, o)
				if c.path == "" {
					testkit.WantError(t, "copy", err, c.want)
					return
				}
				want := strings.Replace(c.want, "FROM", from, 1)
				if got := look(filepath.Join(side, c.path)); got != want || err != nil {
					t.Errorf("%s is %q, want %q (%v)", c.path, got, want, err)
				}
			})
		}
	}
}

// TestNotReplaced: also within an existing directory, a directory and a non-directory do
// not replace each other.
func TestNotReplaced(t *testing.T) {
	p := newPair(t)
	testkit.Check(t, os.MkdirAll(filepath.Join(p.root, "there/file"), 0o755))
	if err := p.in("file", "there", p.options()); err == nil || look(p.root+"/there/file") != "[]" {
		t.Errorf("a file onto a directory: %v", err)
	}
	testkit.Check(t, os.WriteFile(filepath.Join(p.root, "there/dir"), nil, 0o644))
	if err := p.in("dir", "there", p.options()); err == nil || look(p.root+"/there/dir") != "" {
		t.Errorf("a directory onto a file: %v", err)
	}
	testkit.Check(t, os.Remove(filepath.Join(p.root, "there/dir")))
	testkit.Check(t, os.Symlink("../dir", filepath.Join(p.root, "there/dir")))
	if err := p.in("dir", "there", p.options()); err == nil || look(p.root+"/dir/inner") != "root" {
		t.Errorf("a directory onto a link to a directory: %v", err)
	}
}

// TestOwners: -a keeps the owner of a file; without it the owner is the container's root
// user, or the caller.
func TestOwners(t *testing.T) {
	ids := []IDs{{0, 100000, 1000}}
	for _, c := range []struct {
		way          string
		ids          []IDs
		archive      bool
		uid, wantUID int
		mode         uint32 // of a file 06755
	}{
		{"in", nil, false, 7, 0, 0o6755},
		{"in", nil, true, 7, 7, 0o6755},
		{"in", ids, false, 7, 100000, 0o6755},
		{"in", ids, true, 7, 100007, 0o6755},
		{"out", nil, false, 7, 0, 0o755},
		{"out", nil, true, 7, 7, 0o6755},
		{"out", ids, true, 100007, 7, 0o6755},
		{"out", ids, false, 100007, 0, 0o755},
	} {
		t.Run(fmt.Sprint(c.way, c.ids, c.archive), func(t *testing.T) {
			p := newPair(t)
			p.container = p.tree(t, c.ids)
			from, to, copy := p.host, p.root, p.in
			if c.way == "out" {
				from, to, copy = p.root, p.host, p.out
			}
			testkit.Check(t, os.Link(filepath.Join(from, "dir/inner"), filepath.Join(from, "dir/twin")))
			testkit.Check(t, unix.Mknod(filepath.Join(from, "dir/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
			when := time.Unix(1_600_000_000, 123_456_789)
			for _, name := range []string{"dir/inner", "dir"} {
				testkit.Check(t, os.Chown(filepath.Join(from, name), c.uid, c.uid))
				testkit.Check(t, unix.Chmod(filepath.Join(from, name), 0o6755))
				testkit.Check(t, unix.Setxattr(filepath.Join(from, name), "user.note", []byte("a\x00b"), 0))
				testkit.Check(t, os.Chtimes(filepath.Join(from, name), when, when))
			}
			o := p.options()
			o.Archive = c.archive
			testkit.Check(t, copy("dir", "new", o))
			for _, name := range []string{"new", "new/inner"} {
				var st unix.Stat_t
				testkit.Check(t, unix.Lstat(filepath.Join(to, name), &st))
				if int(st.Uid) != c.wantUID || int(st.Gid) != c.wantUID || st.Mode&0o7777 != c.mode ||
					time.Unix(st.Mtim.Unix()) != when {
					t.Errorf("%s: owner %d:%d, mode %o, time %v", name, st.Uid, st.Gid, st.Mode,
						time.Unix(st.Mtim.Unix()))
				}
				value := make([]byte, 10)
				if n, err := unix.Lgetxattr(filepath.Join(to, name), "user.note",
					value); string(value[:max(n, 0)]) != "a\x00b" {
					t.Errorf("%s: attribute %q, %v", name, value, err)
				}
			}
			a, err := os.Stat(filepath.Join(to, "new/inner"))
			testkit.Check(t, err)
			b, err := os.Stat(filepath.Join(to, "new/twin"))
			testkit.Check(t, err)
			if !os.SameFile(a, b) {
				t.Error("two names of one file became two files")
			}
			if got := look(filepath.Join(to, "new/null")); (got == "nothing") == c.archive ||
				(len(p.left) == 1) == c.archive {
				t.Errorf("a device is %s; left out: %q", got, p.left)
			}
		})
	}
	p := newPair(t)
	p.container = p.tree(t, ids)
	testkit.Check(t, os.Chown(p.host+"/file", 5000, 0))
	o := p.options()
	o.Archive = true
	testkit.WantError(t, "an owner without an id in the container", p.in("file", "new", o), "owner 5000: not mapped")
}

// TestSpecial: a socket or a device is refused as a source, and else reported as skipped.
func TestSpecial(t *testing.T) {
	p := newPair(t)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	testkit.Check(t, err)
	defer unix.Close(fd)
	testkit.Check(t, unix.Bind(fd, &unix.SockaddrUnix{Name: p.root + "/dir/sock"}))
	if err := p.out("dir/sock", "new", p.options()); !errors.Is(err, errSocket) {
		t.Errorf("a socket: %v", err)
	}
	testkit.Check(t, p.out("dir", "new", p.options()))
	if len(p.left) != 1 || !strings.Contains(p.left[0], "/dir/sock: a socket") {
		t.Errorf("left out: %q", p.left)
	}
	if err := p.out("null", "new/null", p.options()); !errors.Is(err, errDevice) {
		t.Errorf("a device: %v", err)
	}
}

func pack(t *testing.T, p *pair, source string) []byte {
	t.Helper()
	var b bytes.Buffer
	testkit.Check(t, Pack(&b, p.container, source, p.options()))
	return b.Bytes()
}

func list(t *testing.T, data []byte) (names []string) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return names
		}
		testkit.Check(t, err)
		names = append(names, h.Name)
	}
}

// TestStream: "-" on either side.
func TestStream(t *testing.T) {
	p := newPair(t)
	testkit.Equal(t, "a directory", fmt.Sprint(list(t, pack(t, p, "/dir/deep"))), "[deep/ deep/er]")
	testkit.Equal(t, "its content", fmt.Sprint(list(t, pack(t, p, "/dir/deep/."))), "[./ ./er]")
	testkit.Equal(t, "a link", fmt.Sprint(list(t, pack(t, p, "tolink"))), "[tolink]")
	data := pack(t, p, "/dir")
	testkit.Check(t, Unpack(bytes.NewReader(data), p.container, "/there", p.options()))
	testkit.Equal(t, "unpacked", look(p.root+"/there/dir"), "[deep inner]")
	for target, want := range map[string]error{"/new": unix.ENOENT, "/file": unix.ENOTDIR} {
		if err := Unpack(bytes.NewReader(data), p.container, target, p.options()); !errors.Is(err, want) {
			t.Errorf("unpack in %s: %v, want %v", target, err, want)
		}
	}
	if err := Unpack(strings.NewReader("no tar at all"+strings.Repeat("x", 600)), p.container, "/there",
		p.options()); err == nil {
		t.Error("rubbish is unpacked")
	}
}

// changing is a reader whose file changes when its first bytes have passed.
type changing struct {
	bytes.Buffer
	change func()
}

func (c *changing) Write(b []byte) (int, error) {
	if c.change != nil {
		c.change()
		c.change = nil
	}
	return c.Buffer.Write(b)
}

// TestChanging: a file that shrinks or grows while it is copied spoils neither the stream
// nor the files behind it, and is reported.
func TestChanging(t *testing.T) {
	const size = 1 << 20
	for what, to := range map[string]int64{"shorter": size / 2, "longer": 2 * size} {
		p := newPair(t)
		testkit.Check(t, os.Mkdir(p.root+"/d", 0o755))
		big := p.root + "/d/big"
		testkit.Check(t, os.WriteFile(big, bytes.Repeat([]byte("x"), size), 0o644))
		w := &changing{change: func() { testkit.Check(t, os.Truncate(big, to)) }}
		err := Pack(w, p.container, "/d", p.options())
		testkit.WantError(t, what, err, `"/d/big"`)
		testkit.WantError(t, what, err, what)
		r := tar.NewReader(&w.Buffer)
		for n := 0; ; n++ {
			_, err := r.Next()
			if err == io.EOF && n == 2 {
				break
			}
			testkit.Check(t, err)
			if got, err := io.Copy(io.Discard, r); err != nil || n == 1 && got != size {
				t.Errorf("%s: %d bytes, %v", what, got, err)
			}
		}
	}
}

// TestNames: any bytes but a slash and NUL.
func TestNames(t *testing.T) {
	p := newPair(t)
	for _, name := range []string{"\xff\xfe", "a\nb", ".wh.x", ".wh..wh..opq", "-", strings.Repeat("n", 255),
		"\xc3\xa4", "a=b", "a:b"} {
		testkit.Check(t, os.WriteFile(p.root+"/there/"+name, []byte(name), 0o644))
	}
	testkit.Check(t, p.out("there", "new", p.options()))
	testkit.Equal(t, "the copy", look(p.host+"/new"), look(p.root+"/there"))
}

// TestBounded: neither a large file nor a tree without end takes memory.
func TestBounded(t *testing.T) {
	p := newPair(t)
	testkit.Check(t, os.WriteFile(p.root+"/dir/large", nil, 0o644))
	testkit.Check(t, os.Truncate(p.root+"/dir/large", 256<<20))
	at, err := unix.Open(p.root+"/there", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	testkit.Check(t, err)
	for range unix.PathMax / 2 {
		testkit.Check(t, unix.Mkdirat(at, "d", 0o755))
		next, err := unix.Openat(at, "d", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		testkit.Check(t, err)
		unix.Close(at)
		at = next
	}
	unix.Close(at)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = Pack(io.Discard, p.container, "/", p.options())
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 32<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if !errors.Is(err, unix.ENAMETOOLONG) {
		t.Errorf("a path longer than any call takes: %v", err)
	}
}
