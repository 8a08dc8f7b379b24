package images

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// openImage opens an archive without a store.
func openImage(t testing.TB, src, cache string) *Source {
	t.Helper()
	found, err := openImageErr(t, src, cache)
	testkit.Check(t, err)
	t.Cleanup(found.Close)
	return found
}

func openImageErr(t testing.TB, src, cache string) (*Source, error) {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "no-store"))
	testkit.Check(t, err)
	return s.OpenReadOnly(t.Context(), src, cache)
}

func indexesOf(t testing.TB, src *Source) []*index.Index {
	t.Helper()
	all, err := src.Indexes(t.Context())
	testkit.Check(t, err)
	return all
}

// The stack of the torture image is the tree that docker's overlay showed, and its
// history has docker's sizes.
func TestSourceOfTorture(t *testing.T) {
	truth, err := os.ReadFile(filepath.Join(torture, "tree.tsv"))
	if err != nil {
		t.Skipf("no torture image: %v", err)
	}
	history := testkit.ReadFile(t, filepath.Join(torture, "history.tsv"))
	for _, archive := range []string{"docker.tar.gz", "oci-gzip.tar", "oci-zstd.tar"} {
		t.Run(archive, func(t *testing.T) {
			src := openImage(t, filepath.Join(torture, archive), t.TempDir())
			s, err := stack.New(indexesOf(t, src)...)
			testkit.Check(t, err)
			compare(t, listStack(s), string(truth))
			testkit.Equal(t, "bytes that the tree shows, and that are visible", s.Root.Size(), s.Visible())
			compare(t, listSteps(t, src), history)
		})
	}
}

// listStack lists a stack in the format of listTree.
func listStack(s *stack.Stack) string {
	first := make(map[*stack.Inode]string)
	var nodes []*stack.Node
	var visit func(n *stack.Node)
	visit = func(n *stack.Node) {
		nodes = append(nodes, n.Children()...)
		for _, c := range n.Children() {
			if c.Kind == index.Directory {
				visit(c)
			}
		}
	}
	visit(s.Root)
	var out strings.Builder
	for _, n := range nodes {
		kind := map[index.Kind]string{
			index.File: "file", index.Directory: "dir", index.Symlink: "link",
			index.Char: "char", index.Block: "block", index.FIFO: "fifo",
		}[n.Kind]
		mtime, group, body, mode := fmt.Sprint(n.Entry.Time.Unix()), "", "", n.Mode
		switch n.Kind {
		case index.Directory:
			mtime = "-"
		case index.Symlink:
			body, mode = n.Target, 0o777
		case index.Char:
			body = fmt.Sprintf("%d:%d", n.Major, n.Minor)
		case index.File:
			body = hex.EncodeToString(n.Sum[:])[:16]
			if n.Links > 1 {
				first[n.Inode] = cmp.Or(first[n.Inode], n.Path())
				group = first[n.Inode]
			}
		}
		fmt.Fprintf(&out, "%s\t%s\t0o%o\t%d\t%d\t%d\t%s\t%s\t%s\t\n",
			escape(n.Path()), kind, mode, n.UID, n.GID, n.Inode.Size, mtime, group, body)
	}
	return out.String()
}

// listSteps lists the steps as docker history does, newest first.
func listSteps(t *testing.T, src *Source) string {
	t.Helper()
	measures, err := src.Measures(t.Context())
	testkit.Check(t, err)
	var out strings.Builder
	for _, step := range slices.Backward(src.Steps()) {
		size := int64(0)
		if step.Layer > 0 {
			size = measures[step.Layer-1].Unpacked
		}
		fmt.Fprintf(&out, "%s\t%s\n", units.HumanSizeWithPrecision(float64(size), 3), step.CreatedBy)
	}
	return out.String()
}

// Layers are read once, unless the archive has changed or the cached index is corrupt.
func TestIndexIsCached(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	one, two := tarOf("a", "one"), tarOf("a", "two")
	path := writeTemp(t, dockerArchive("x:1", one).tar())
	indexesOf(t, openImage(t, path, cache))
	again := openImage(t, path, cache)
	again.Layers[0].open = func() (io.ReadCloser, error) { return nil, errors.New("read again") }
	if x := indexesOf(t, again); x[0].Entries[0].Path != "a" {
		t.Errorf("saved index: %+v", x[0])
	}
	files, _ := filepath.Glob(filepath.Join(cache, "*"))
	if len(files) != 1 {
		t.Fatalf("saved indexes: %q", files)
	}
	testkit.Check(t, os.Truncate(files[0], 50))
	indexesOf(t, openImage(t, path, cache))
	if st, err := os.Stat(files[0]); err != nil || st.Size() <= 50 {
		t.Errorf("the corrupt index was not replaced: %v, %v", st, err)
	}

	lie := dockerArchive("x:1", one)
	lie["a/layer.tar"] = two
	testkit.Check(t, os.WriteFile(path, lie.tar(), 0o644))
	if x, err := openImage(t, path, cache).Indexes(t.Context()); err == nil {
		t.Errorf("a layer that is not that of the config is read as %+v", x[0])
	}
}

// Load writes the index of each layer. A layer is not read for it again.
func TestLoadWritesIndexes(t *testing.T) {
	one, two := tarOf("a", "one"), tarOf("b", strings.Repeat("\x00", maxConfig))
	archive := dockerArchive("x:1", one, two).tar()
	for name, stdin := range map[string][]byte{"file": nil, "pipe": archive, "pipe, gzip": testkit.Gzip(archive)} {
		s := newStore(t)
		src := "-"
		if stdin == nil {
			src = writeTemp(t, archive)
		}
		_, err := s.Load(t.Context(), src, LoadOptions{Stdin: bytes.NewReader(stdin)})
		testkit.Check(t, err)
		image, err := s.OpenReadOnly(t.Context(), "x:1", "")
		testkit.Check(t, err)
		for _, l := range image.Layers {
			l.open = func() (io.ReadCloser, error) { return nil, errors.New("read again") }
		}
		if x := indexesOf(t, image); x[0].Entries[0].Path != "a" || x[1].Entries[0].Path != "b" {
			t.Errorf("%s: indexes %+v", name, x)
		}
		image.Close()
		checkWhole(t, s)
	}
}

// A compressed archive is decompressed once, and again to read a file.
func TestCompressedArchiveIsCached(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	path := writeTemp(t, testkit.Gzip(dockerArchive("x:1", tarOf("a", "one")).tar()))
	indexesOf(t, openImage(t, path, cache))
	t.Setenv("TMPDIR", "/nonexistent") // where it would be decompressed
	src := openImage(t, path, cache)
	if x := indexesOf(t, src); src.Name != "x:1" || x[0].Entries[0].Path != "a" {
		t.Errorf("saved: image %q, index %+v", src.Name, x[0])
	}
	if _, err := src.Layers[0].Open(); err == nil || !strings.Contains(hint.Of(err), "TMPDIR") {
		t.Errorf("open a layer without TMPDIR: %v, hint %q", err, hint.Of(err))
	}
	t.Setenv("TMPDIR", t.TempDir())
	in, err := openImage(t, path, cache).Layers[0].Open()
	testkit.Check(t, err)
	if data, err := io.ReadAll(in); err != nil || !bytes.Contains(data, []byte("one")) {
		t.Errorf("layer: %d bytes, %v", len(data), err)
	}
}

// The index of a layer of the store is beside it, and is removed with it.
func TestSourceInStore(t *testing.T) {
	s := newStore(t)
	loadDocker(t, s, "x:1", tarOf("a", "one"))
	src, err := s.OpenReadOnly(t.Context(), "x:1", "")
	testkit.Check(t, err)
	x := indexesOf(t, src)
	src.Close()
	if x[0].Size != 3 || src.Name != "x:1" {
		t.Errorf("image %q, layer of %d bytes", src.Name, x[0].Size)
	}
	beside := filepath.Join(filepath.Dir(s.Layers().Path(src.Layers[0].DiffID)), "index")
	if _, err := os.Stat(beside); err != nil {
		t.Error(err)
	}
	if _, err := s.Remove("x:1"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(beside)); !os.IsNotExist(err) {
		t.Errorf("the directory of the layer was not removed: %v", err)
	}
	checkWhole(t, s)
}

func TestSourceOneOfSeveral(t *testing.T) {
	b := archive{}
	first := b.image(tarOf("a", "1"))
	second := b.image(tarOf("b", "2"))
	b.index(as(first, "docker.io/library/one:1"), as(second, "docker.io/library/two:2"))
	for _, path := range []string{b.dir(t), writeTemp(t, b.tar()), writeTemp(t, testkit.Gzip(b.tar()))} {
		if src := openImage(t, path+":two:2", ""); src.Name != "two:2" || indexesOf(t, src)[0].Entries[0].Path != "b" {
			t.Errorf("%s:two:2 is %q", path, src.Name)
		}
		_, err := openImageErr(t, path, "")
		testkit.WantError(t, path, err, "one:1, two:2")
		if !strings.Contains(hint.Of(err), path+":one:1") {
			t.Errorf("%s has two images, no name: %v, hint %q", path, err, hint.Of(err))
		}
		if _, err := openImageErr(t, path+":three", ""); err == nil {
			t.Error("found an image that the archive does not have")
		}
	}
}

func TestSteps(t *testing.T) {
	step := func(by string, empty bool) ocispec.History { return ocispec.History{CreatedBy: by, EmptyLayer: empty} }
	for _, c := range []struct {
		history []ocispec.History
		layers  int
		want    string
	}{
		{[]ocispec.History{step("ADD", false), step("ENV", true), step("RUN", false)}, 2, "1 ADD,0 ENV,2 RUN"},
		{nil, 2, "1 ,2 "},
		{[]ocispec.History{step("ADD", false)}, 3, "1 ADD,2 ,3 "},
		{[]ocispec.History{step("ADD", false), step("RUN", false)}, 1, "1 ADD,0 RUN"},
	} {
		src := &Source{Config: ocispec.Image{History: c.history}, Layers: make([]*Layer, c.layers)}
		var got []string
		for _, s := range src.Steps() {
			got = append(got, fmt.Sprintf("%d %s", s.Layer, s.CreatedBy))
		}
		testkit.Equal(t, fmt.Sprintf("%d layers, history %v", c.layers, c.history), strings.Join(got, ","), c.want)
	}
}

func TestInstruction(t *testing.T) {
	for by, want := range map[string]string{
		"/bin/sh -c #(nop)  CMD [\"sh\"]":          "CMD [\"sh\"]",
		"/bin/sh -c apt-get update":                "RUN apt-get update",
		"RUN /bin/sh -c apt-get update # buildkit": "RUN apt-get update",
		"COPY a b # buildkit":                      "COPY a b",
		"":                                         "imported",
	} {
		testkit.Equal(t, by, (Step{CreatedBy: by, Comment: "imported"}).Instruction(), want)
	}
}

// An archive bomb is refused, as by load.
func TestReadOnlyOpenRefusesBomb(t *testing.T) {
	b := dockerArchive("x:1", tarOf())
	b["config.json"] = append(b["config.json"], bytes.Repeat([]byte(" "), maxConfig)...)
	if _, err := openImageErr(t, writeTemp(t, b.tar()), ""); err == nil {
		t.Error("a config of more than 8 MiB was read")
	}
}
