package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"math/rand/v2"
	"path"
	"testing"
	"time"

	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
	"github.com/opencontainers/go-digest"
)

// Stacked indexes are what the kernel's overlay of the unpacked layers is: of
// random layers in which a few names are files, directories, links, whiteouts and
// opaque directories by turns. What load refuses, a stack refuses.
func TestStackIsOverlay(t *testing.T) {
	if testing.Short() {
		t.Skip("stacks some 150 random layers")
	}
	needRoot(t)
	s := newStore(t)
	refused := 0
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 0))
		var tars [][]byte
		for range 4 {
			data := randomLayer(t, random)
			for random.IntN(40) > 0 && !stacks(t, data) { // else most would be refused
				data = randomLayer(t, random)
			}
			tars = append(tars, data)
		}
		archive := writeTemp(t, dockerArchive(t, fmt.Sprintf("x:%d", seed), tars...).tar(t))
		_, loaded := s.Load(t.Context(), archive, LoadOptions{})
		src := openImage(t, archive, "")
		stacked, err := stack.New(indexesOf(t, src)...)
		if (loaded == nil) != (err == nil) {
			t.Errorf("seed %d: load says %v, stack says %v", seed, loaded, err)
		}
		if loaded != nil || err != nil {
			refused++
			continue
		}
		var ids []digest.Digest
		for _, l := range src.Layers {
			ids = append(ids, l.DiffID)
		}
		root := mountOverlay(t, s, s.Layers().Visible(ids))
		before := t.Failed()
		compare(t, listTree(t, fmt.Sprintf("/proc/self/fd/%d", root)), listStack(stacked))
		if t.Failed() && !before {
			t.Errorf("seed %d", seed)
		}
		if stacked.Root.Size() != stacked.Visible() {
			t.Errorf("seed %d: the tree shows %d bytes, %d are not hidden", seed, stacked.Root.Size(), stacked.Visible())
		}
	}
	if refused > 20 {
		t.Errorf("%d of 40 images are refused: too few are compared", refused)
	}
}

func stacks(t *testing.T, layer []byte) bool {
	t.Helper()
	x, err := index.Read(t.Context(), bytes.NewReader(layer))
	if err != nil {
		return false
	}
	_, err = stack.New(x)
	return err == nil
}

// randomLayer has a dozen entries under few names.
func randomLayer(t *testing.T, random *rand.Rand) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	pick := func() string {
		name := ""
		for range 1 + random.IntN(3) {
			name = path.Join(name, string('a'+rune(random.IntN(3))))
		}
		return name
	}
	for range 3 + random.IntN(6) {
		h := &tar.Header{Name: pick(), Mode: int64(0o600 + random.IntN(64)), Uid: random.IntN(3), ModTime: time.Unix(int64(random.IntN(1<<30)), 0)}
		switch random.IntN(12) {
		case 0, 1, 2:
			h.Typeflag = tar.TypeDir
		case 3:
			h.Typeflag, h.Linkname = tar.TypeSymlink, "/"+pick()
		case 4:
			h.Typeflag, h.Linkname = tar.TypeLink, pick()
		case 5, 6:
			h.Typeflag, h.Name = tar.TypeReg, path.Join(path.Dir(h.Name), ".wh."+path.Base(h.Name))
		case 7:
			h.Typeflag, h.Name = tar.TypeReg, path.Join(h.Name, ".wh..wh..opq")
		default:
			h.Typeflag, h.Size = tar.TypeReg, int64(random.IntN(100))
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
